"""Pictures of a result: the radiograph's grey values, its burned-in notice, and the overlay with the angles drawn."""
