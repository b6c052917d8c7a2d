-- Test double of mod_muc_breakout_rooms. Not real: it loads and does nothing.
module:require "util".no_op();
