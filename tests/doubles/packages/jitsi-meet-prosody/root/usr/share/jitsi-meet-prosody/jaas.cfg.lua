-- Test double of jaas.cfg.lua: the real one opens a virtual host for a hosted service. It must never be
-- linked into conf.d; this one only shows when it is.
VirtualHost "jigasi.meet.jitsi"
    enabled = false
