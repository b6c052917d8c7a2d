-- Refuses room tokens that do not end, or not within a day: the token plugin accepts a token without `exp` for ever.
--
-- Runs before the plugin has judged the signature, which is safe because it can only refuse.

local base64 = require "util.encodings".base64;
local json = require "util.json";
local st = require "util.stanza";

local xmlns_sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
local longest = 24 * 60 * 60;

local function end_of(token)
    local payload = token:match("^[^.]*%.([^.]*)%.");
    if not payload then return nil; end
    payload = payload:gsub("-", "+"):gsub("_", "/");
    local text = base64.decode(payload .. ("="):rep(-#payload % 4));
    local claims = text and json.decode(text);
    return type(claims) == "table" and tonumber(claims.exp) or nil;
end

module:hook("stanza/" .. xmlns_sasl .. ":auth", function (event)
    local session = event.origin;
    if not session.auth_token then return; end
    local ending = end_of(session.auth_token);
    if ending and ending <= os.time() + longest then return; end
    module:log("warn", "refused a token that does not end within a day");
    session.send(st.stanza("failure", { xmlns = xmlns_sasl })
        :tag("not-allowed"):up()
        :tag("text"):text("the token does not end within a day"));
    return true;
end, 500);
