-- Test double of mod_polls_component. Not real: it loads and does nothing.
module:require "util".no_op();
