-- Test double of mod_features_identity. Not real: it loads and does nothing.
module:require "util".no_op();
