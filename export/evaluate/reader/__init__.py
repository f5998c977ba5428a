"""A small network that reads endplates off a lateral radiograph, whoever drew it, and knows nothing of the back."""
