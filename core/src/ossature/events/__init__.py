"""Events: facts that are written with the business data and handed to whoever declared an interest, never lost."""
