-- Refuses room tokens that do not name one room of this site, that do not end, or that last longer than a session may: the
-- token plugin takes `*` and patterns for every room, `*` for every site, and a token without `exp` for ever. Ends sessions
-- that have lasted as long. Refuses other rooms than the token's, which the plugin refuses too, with the whole token in the log.
--
-- Runs before the plugin has judged, which is safe because it can only refuse.

local base64 = require "util.encodings".base64;
local jid_split = require "util.jid".split;
local json = require "util.json";
local st = require "util.stanza";
local timer = require "util.timer";

local xmlns_sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
local rooms = module:get_option_string("main_muc");
local longest = module:get_option_number("anteroom_session_minutes", 480) * 60;

local function claims_of(token)
    local payload = token:match("^[^.]*%.([^.]*)%.");
    if not payload then return nil; end
    payload = payload:gsub("-", "+"):gsub("_", "/");
    local text = base64.decode(payload .. ("="):rep(-#payload % 4));
    local claims = text and json.decode(text);
    return type(claims) == "table" and claims or nil;
end

local function objection(claims)
    local ending = claims and tonumber(claims.exp);
    if not ending or ending > os.time() + longest then
        return ("the token does not end within %d minutes"):format(longest / 60);
    end
    local context = type(claims.context) == "table" and claims.context or {};
    local named = type(context.room) == "table" and context.room or {};
    if type(claims.room) ~= "string" or not claims.room:match("^[^%s*]+$") or named.regex then
        return "the token does not name one room";
    end
    if type(claims.sub) ~= "string" or claims.sub:lower() ~= module.host then
        return "the token does not name this site";
    end
end

module:hook("stanza/" .. xmlns_sasl .. ":auth", function (event)
    local session = event.origin;
    if not session.auth_token then return; end
    local why = objection(claims_of(session.auth_token));
    if not why then return; end
    module:log("warn", "refused a token: %s", why);
    session.send(st.stanza("failure", { xmlns = xmlns_sasl })
        :tag("not-allowed"):up()
        :tag("text"):text(why));
    return true;
end, 500);

module:hook("authentication-success", function (event)
    local session = event.session;
    timer.add_task(longest, function ()
        if session.destroyed or not session.close then return; end
        module:log("info", "a session has lasted as long as it may");
        session:close({ condition = "policy-violation", text = "the session has lasted as long as it may" });
    end);
end);

module:hook("pre-presence/full", function (event)
    local session, stanza = event.origin, event.stanza;
    local named = session.auth_token and session.jitsi_meet_room;
    local room, host = jid_split(stanza.attr.to);
    if type(named) ~= "string" or host ~= rooms or room == named:lower() or stanza.attr.type ~= nil then return; end
    module:log("warn", "refused entry to a room that the token does not name");
    session.send(st.error_reply(stanza, "cancel", "not-allowed", "Room and token mismatched"));
    return true;
end, 10);
