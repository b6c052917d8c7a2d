-- Test double of mod_av_moderation. Not real: it loads and does nothing.
module:require "util".no_op();
