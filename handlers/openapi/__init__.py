"""The calls of the API as tables, and the OpenAPI document that is made of them."""
