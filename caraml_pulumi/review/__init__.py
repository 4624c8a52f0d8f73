"""The review of a change: what a preview and the policy packs say, in models' terms, for the people who decide."""
