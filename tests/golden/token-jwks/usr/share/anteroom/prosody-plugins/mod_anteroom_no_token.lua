-- Takes away any room token that a session of this anonymous host carries.
--
-- The token plugin stores the `token` parameter of every BOSH and WebSocket request in the session, also of those that
-- then log in anonymously here, where nobody verifies it. Other modules take a session with a token for a host's: a
-- guest with any text as a token would open rooms and own them.

local function forget(event)
    local session = event.session;
    if session and session.auth_token ~= nil then
        module:log("warn", "took a token away from a guest's session");
        session.auth_token = nil;
    end
end

module:hook("authentication-success", forget, 1000);
module:hook("pre-resource-bind", forget, 1000);
module:hook("resource-bind", forget, 1000);
