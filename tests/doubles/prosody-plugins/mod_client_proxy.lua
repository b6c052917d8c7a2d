-- Test double of mod_client_proxy: a component that lends its address to a client (the focus).
-- Real: learns the client's sessions from their presence, passes requests on with the sender's address in
--       the resource, brings answers back; only the target can speak through it.
-- Not:  messages and requests by the target; upstream has neither.
if module:get_host_type() ~= "component" then error("client_proxy is a component", 0); end
local jid = require "util.jid";
local st = require "util.stanza";
local target = jid.prep(module:get_option_string("target_address"));
if not target then error("target_address is missing", 0); end

local sessions = {};

local function not_here(stanza, condition)
	if stanza.attr.type ~= "error" and stanza.attr.type ~= "result" then
		module:send(st.error_reply(stanza, "cancel", condition));
	end
end

local function presence_of_target(stanza)
	local resource, type = jid.resource(stanza.attr.from), stanza.attr.type;
	if type == "error" then
		sessions = {};
	elseif not resource then
		return;
	elseif type == "unavailable" then
		sessions[resource] = nil;
	elseif not type then
		if not sessions[resource] then module:log("info", "%s/%s is there", target, resource); end
		sessions[resource] = true;
	end
end

local function back_from_target(stanza)
	local asker = jid.prep(jid.resource(stanza.attr.to));
	if stanza.name ~= "iq" or stanza.attr.type ~= "result" and stanza.attr.type ~= "error" then
		not_here(stanza, "feature-not-implemented");
	elseif asker then
		stanza.attr.from, stanza.attr.to = module.host, asker;
		module:send(stanza);
	end
end

local function on_to_target(stanza)
	if stanza.name == "presence" then return not_here(stanza, "bad-request"); end
	if stanza.name ~= "iq" then return not_here(stanza, "feature-not-implemented"); end
	if stanza.attr.type ~= "get" and stanza.attr.type ~= "set" then return; end
	local list = {};
	for resource in pairs(sessions) do list[#list + 1] = resource; end
	if #list == 0 then return not_here(stanza, "service-unavailable"); end
	stanza.attr.to = target .. "/" .. list[math.random(#list)];
	stanza.attr.from = module.host .. "/" .. stanza.attr.from;
	module:send(stanza);
end

local function route(event)
	local stanza = event.stanza;
	if jid.bare(stanza.attr.from) ~= target then
		on_to_target(stanza);
	elseif jid.resource(stanza.attr.to) then
		back_from_target(stanza);
	elseif stanza.name == "presence" then
		presence_of_target(stanza);
	else
		not_here(stanza, "bad-request");
	end
	return true;
end

for _, name in ipairs { "iq", "message", "presence" } do
	for _, kind in ipairs { "host", "bare", "full" } do module:hook(name .. "/" .. kind, route, -1); end
end

-- answered with the target's presence when its roster already knows this component
module:send(st.presence { type = "subscribe", to = target, from = module.host });
