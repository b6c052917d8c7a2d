-- Test double of mod_polls. Not real: it loads and does nothing.
module:require "util".no_op();
