"""The HTTP side: routes, upload, admission, errors and the page. Nothing else knows HTTP."""
