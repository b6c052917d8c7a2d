-- Test double of mod_limits_exception. Not real: it loads and does nothing.
module:require "util".no_op();
