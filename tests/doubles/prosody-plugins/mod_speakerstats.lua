-- Test double of mod_speakerstats. Not real: it loads and does nothing.
module:require "util".no_op();
