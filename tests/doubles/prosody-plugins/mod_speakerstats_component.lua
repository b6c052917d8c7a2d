-- Test double of mod_speakerstats_component. Not real: it loads and does nothing.
module:require "util".no_op();
