-- Test double of mod_filesharing_component. Not real: it loads and does nothing.
module:require "util".no_op();
