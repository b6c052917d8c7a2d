-- Test double of mod_end_conference. Not real: it loads and does nothing.
module:require "util".no_op();
