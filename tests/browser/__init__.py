"""The pages in a real browser, on a real server: what people see and do."""
