-- Test double of mod_jitsi_session: keeps what the request's address said about the session to come.
-- Real: room, prefix and previd parameters, region header. The token is mod_auth_token's business.
module:set_global();
local http = require "util.http";
local region_header = module:get_option_string("region_header_name", "x_proxy_region");

local function begin(event)
	local session, request = event.session, event.request;
	local query = request.url and request.url.query;
	if query then
		local parameters = http.formdecode(query) or {};
		session.previd = parameters.previd;
		session.jitsi_web_query_room = parameters.room;
		session.jitsi_web_query_prefix = parameters.prefix or "";
	end
	session.user_region = request.headers[region_header];
end

module:hook_global("bosh-session", begin, 1);
module:hook_global("websocket-session", begin, 1);
