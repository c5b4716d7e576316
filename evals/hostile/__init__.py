"""Papers that speak to the model: does the assistant answer as if they had not?"""
