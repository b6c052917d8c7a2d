-- Test double of mod_conference_duration_component. Not real: it loads and does nothing.
module:require "util".no_op();
