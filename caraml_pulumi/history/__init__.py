"""The history of models: the updates that changed them, what they changed, and how to go back."""
