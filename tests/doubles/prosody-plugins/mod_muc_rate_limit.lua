-- Test double of mod_muc_rate_limit. Not real: it loads and does nothing.
module:require "util".no_op();
