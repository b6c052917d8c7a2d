-- Test double of mod_room_metadata_component. Not real: it loads and does nothing.
module:require "util".no_op();
