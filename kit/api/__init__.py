"""One typed function for each verb. `kit.train(...)` in a notebook and `kit train ...` in a shell call the same one."""
