-- Test double of mod_muc_password_whitelist. Not real: it loads and does nothing.
module:require "util".no_op();
