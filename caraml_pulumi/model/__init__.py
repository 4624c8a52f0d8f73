"""The specification of models and the rules about them, each written once; pure."""
