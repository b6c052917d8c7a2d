-- Keeps a room component shut unless every module that decides who may enter is loaded, and a component for services
-- shut to everybody else.
--
-- Prosody starts, and lets people in, when a module is missing or fails to load: it only logs an error. A broken
-- upgrade of the token plugin, or of a Lua library it needs, must close the rooms and not open them.
--
-- Options: `anteroom_required`: host name -> names of modules; `anteroom_admits`: the only hosts whose users may send
-- anything here, all if absent. Unlike mod_muc_filter_access, which drops in silence, this answers, so that whoever
-- checks it from outside sees a refusal and not a timeout.

local jid_host = require "util.jid".host;
local st = require "util.stanza";

local required = module:get_option("anteroom_required", {});
local admits = module:get_option_set("anteroom_admits");
local hosts = prosody.hosts;

local function refuse(event, condition, text)
    local session, stanza = event.origin, event.stanza;
    local kind = stanza.attr.type;
    if kind ~= "error" and kind ~= "result" and kind ~= "unavailable" then
        session.send(st.error_reply(stanza, "cancel", condition, text));
    end
    return true;
end

local function only_admitted(event)
    if admits:contains(jid_host(event.stanza.attr.from)) then return; end
    return refuse(event, "not-allowed", "For services of this server only");
end

local function missing()
    for host, names in pairs(required) do
        for _, name in ipairs(names) do
            if not (hosts[host] and hosts[host].modules and hosts[host].modules[name]) then
                return name, host;
            end
        end
    end
end

local function only_when_complete(event)
    if event.stanza.attr.type ~= nil then return; end
    local name, host = missing();
    if not name then return; end
    module:log("error", "refused entry: module %s of %s is not loaded", name, host);
    return refuse(event, "service-unavailable", "This server is not complete");
end

for _, address in ipairs { "host", "bare", "full" } do
    module:hook("presence/" .. address, only_when_complete, 3000);
    if admits then
        for _, kind in ipairs { "iq", "message", "presence" } do
            module:hook(kind .. "/" .. address, only_admitted, 3001);
        end
    end
end
