-- Lets clients log in to this host only over a stream that Prosody itself encrypts, that is one that begins with
-- STARTTLS on the loopback client port.
--
-- BOSH and WebSocket streams may name any host of the server, whichever hosts load those modules. They are encrypted
-- by nginx, not by Prosody: their `secure` flag is assumed, their `encrypted` flag is never set. Without this module
-- anyone on the internet could try passwords of the bridge and the focus.

local st = require "util.stanza";

local xmlns_sasl = "urn:ietf:params:xml:ns:xmpp-sasl";

local function may_log_in(session)
    return session.encrypted == true and not session.websocket_request and not session.bosh_wait;
end

module:hook("stream-features", function (event)
    local session, features = event.origin, event.features;
    if session.type == "c2s_unauthed" and not may_log_in(session) then
        features:maptags(function (tag)
            if tag.attr.xmlns == xmlns_sasl then return nil; end
            return tag;
        end);
    end
end, -1000);

module:hook("stanza/" .. xmlns_sasl .. ":auth", function (event)
    local session = event.origin;
    if may_log_in(session) then return; end
    module:log("warn", "refused a login from %s that did not come over the host's own TLS", session.ip or "an unknown address");
    session.send(st.stanza("failure", { xmlns = xmlns_sasl }):tag("invalid-mechanism"));
    return true;
end, 1000);

-- The legacy way in, should anyone enable it.
module:hook("stanza/iq/jabber:iq:auth:query", function (event)
    local session, stanza = event.origin, event.stanza;
    if may_log_in(session) then return; end
    session.send(st.error_reply(stanza, "cancel", "not-allowed"));
    return true;
end, 1000);
