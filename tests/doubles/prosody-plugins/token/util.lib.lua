-- Test double of the token verification that mod_auth_token and mod_token_verification share.
-- Real: HS256/384/512 with app_secret; RS256/384/512 with keys from asap_key_server (one PEM per key id) or
--       cache_keys_url (JWKS or PEM map); the algorithm is pinned; typ, exp, nbf, iss, aud, room and sub are
--       checked; room wildcards and patterns as upstream.
--       Needs basexx and inspect in Prosody's Lua, as upstream does; Debian 12 has neither for Lua 5.4, and
--       without them the token modules do not load.
-- Not:  multi-tenant rooms. ES256 and key files are refused because upstream refuses them too.
local basexx = require "basexx";
local inspect = require "inspect";
local async = require "util.async";
local base64 = require "util.encodings".base64;
local hashes = require "util.hashes";
local http = require "net.http";
local jid = require "util.jid";
local json = require "util.json";
local pkey = require "openssl.pkey";
local digest = require "openssl.digest";
local main = module:require "util";

local from_url64 = basexx.from_url64;

local function equal(a, b)
	if hashes.equals then return hashes.equals(a, b); end
	return a == b;
end

local function hs(name)
	return function (data, signature, key) return equal(hashes["hmac_" .. name](key, data), signature); end;
end

local function rs(name)
	return function (data, signature, key)
		local ok, good = pcall(function () return pkey.new(key):verify(signature, digest.new(name):update(data)); end);
		return ok and good;
	end;
end

local verifiers = {
	HS256 = hs "sha256", HS384 = hs "sha384", HS512 = hs "sha512";
	RS256 = rs "sha256", RS384 = rs "sha384", RS512 = rs "sha512";
};

-- A JWK of type RSA as PEM: SubjectPublicKeyInfo is two integers in four wrappings.
local function tlv(tag, body)
	local n, length = #body, "";
	if n < 128 then return string.char(tag, n) .. body; end
	while n > 0 do
		length = string.char(n % 256) .. length;
		n = math.floor(n / 256);
	end
	return string.char(tag, 128 + #length) .. length .. body;
end

local function integer(bytes)
	return tlv(2, bytes:byte(1) >= 128 and "\0" .. bytes or bytes);
end

local function jwk_to_pem(key)
	if key.kty ~= "RSA" or not key.n or not key.e then return nil; end
	local numbers = tlv(48, integer(from_url64(key.n)) .. integer(from_url64(key.e)));
	local der = tlv(48, tlv(48, "\6\9\42\134\72\134\247\13\1\1\1\5\0") .. tlv(3, "\0" .. numbers));
	return "-----BEGIN PUBLIC KEY-----\n" .. base64.encode(der):gsub(("."):rep(64), "%0\n") .. "\n-----END PUBLIC KEY-----\n";
end

local function fetch(url)
	local wait, done = async.waiter();
	local body, status, response;
	http.request(url, nil, function (b, c, r)
		body, status, response = b, c, r;
		done();
	end);
	wait();
	if status == 200 then return body, response; end
	module:log("warn", "no key from the key server: status %s", tostring(status));
end

local token = {};
local methods = {};
methods.__index = methods;

function token.new(from)
	local self = setmetatable({
		app_id = from:get_option_string("app_id");
		secret = from:get_option_string("app_secret");
		key_server = from:get_option_string("asap_key_server");
		keys_url = from:get_option_string("cache_keys_url");
		algorithm = from:get_option_string("signature_algorithm");
		allow_empty = from:get_option_boolean("allow_empty_token", false);
		check_domain = from:get_option_boolean("enable_domain_verification", true);
		need_room = from:get_option_boolean("asap_require_room_claim", true);
		audiences = from:get_option_set("asap_accepted_audiences", { "*" });
		prefix = from:get_option_string("muc_mapper_domain_prefix", "conference");
		keys = {};
	}, methods);
	if not self.app_id then
		module:log("error", "'app_id' must not be empty");
		return nil;
	elseif not (self.secret or self.key_server or self.keys_url) then
		module:log("error", "'app_secret', 'asap_key_server' or 'cache_keys_url' must be given");
		return nil;
	end
	self.issuers = from:get_option_set("asap_accepted_issuers", { self.app_id });
	local base = from:get_option_string("muc_mapper_domain_base");
	self.muc = base and from:get_option_string("muc_mapper_domain", self.prefix .. "." .. base);
	self.algorithm = self.algorithm or ((self.key_server or self.keys_url) and "RS256" or "HS256");
	if self.allow_empty then module:log("warn", "tokens are optional: anybody can enter"); end
	if self.keys_url then self:refresh_keys(); end
	return self;
end

function methods:refresh_keys()
	async.runner(function ()
		local body, response = fetch(self.keys_url);
		local doc = body and json.decode(body);
		local wait = 30;
		if type(doc) == "table" then
			local keys = {};
			for kid, value in pairs(doc) do
				if kid == "keys" and type(value) == "table" then
					for _, key in ipairs(value) do
						if key.kid then keys[key.kid] = jwk_to_pem(key); end
					end
				elseif type(value) == "string" then
					keys[kid] = value;
				end
			end
			self.keys = keys;
			local control = response and response.headers and response.headers.cache_control or "";
			wait = math.max(60, tonumber(control:match("max%-age=(%d+)")) or 6 * 60 * 60);
		end
		module:add_timer(wait, function () self:refresh_keys(); end);
	end):run(true);
end

function methods:key_for(header)
	if not (self.key_server or self.keys_url) then return self.secret; end
	if type(header.kid) ~= "string" then return nil, "'kid' claim is missing"; end
	if type(header.alg) ~= "string" or header.alg:sub(1, 2) ~= "RS" then return nil, "only the RS family works with published keys, not " .. inspect(header.alg); end
	if self.keys[header.kid] then return self.keys[header.kid]; end
	if not self.key_server then return nil, "could not obtain public key"; end
	local pem = fetch(self.key_server:gsub("/$", "") .. "/" .. hashes.sha256(header.kid, true) .. ".pem");
	self.keys[header.kid] = pem;
	return pem, "could not obtain public key";
end

local function accepted(set, value)
	return set:contains("*") or set:contains(value);
end

function methods:verify(text)
	local head, body, signature = text:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]*)$");
	if not head then return nil, "Invalid token"; end
	local header = json.decode(from_url64(head) or "");
	local claims = json.decode(from_url64(body) or "");
	if type(header) ~= "table" or type(claims) ~= "table" then return nil, "bad token format"; end
	if header.typ ~= "JWT" then return nil, "Invalid typ"; end
	local check = verifiers[self.algorithm];
	if not check then return nil, "Algorithm not supported"; end
	if header.alg ~= self.algorithm then return nil, "Invalid or incorrect alg"; end
	local key, why = self:key_for(header);
	if not key then return nil, why; end
	if not check(head .. "." .. body, from_url64(signature) or "", key) then return nil, "Invalid signature"; end
	local now = os.time();
	for _, name in ipairs { "exp", "nbf" } do
		if claims[name] ~= nil and type(claims[name]) ~= "number" then return nil, name .. " must be number"; end
	end
	if claims.exp and now >= claims.exp then return nil, "Not acceptable by exp"; end
	if claims.nbf and now < claims.nbf then return nil, "Not acceptable by nbf"; end
	if claims.iss == nil then return nil, "'iss' claim is missing"; end
	if not accepted(self.issuers, claims.iss) then return nil, "invalid 'iss' claim"; end
	if claims.aud == nil then return nil, "'aud' claim is missing"; end
	if not accepted(self.audiences, claims.aud) then return nil, "invalid 'aud' claim"; end
	if self.need_room and claims.room == nil then return nil, "'room' claim is missing"; end
	return claims;
end

--- At login: checks session.auth_token and puts what it says on the session.
function methods:process_and_verify_token(session)
	if session.auth_token == nil then
		if self.allow_empty then return true; end
		return false, "not-allowed", "token required";
	end
	local claims, why = self:verify(session.auth_token);
	if not claims then return false, "not-allowed", why; end
	session.jitsi_meet_room = claims.room;
	session.jitsi_meet_domain = claims.sub;
	session.jitsi_meet_auth_issuer = claims.iss;
	local context = claims.context;
	if type(context) == "table" then
		session.jitsi_meet_context_user = context.user;
		session.jitsi_meet_context_group = context.group;
		session.jitsi_meet_context_features = context.features;
		session.jitsi_meet_context_room = context.room;
	elseif claims.user_id then
		session.jitsi_meet_context_user = { id = claims.user_id };
	end
	prosody.events.fire_event("jitsi-authentication-token-verified", { session = session, claims = claims });
	return true;
end

--- At the door of a room: does the token name this room and this site?
function methods:verify_room(session, address)
	local room, host = jid.split(address);
	if not room then return false, "invalid-room-address", "Room address is invalid"; end
	if self.allow_empty and session.auth_token == nil then return true; end
	local wanted = session.jitsi_meet_room;
	if type(wanted) == "string" then wanted = wanted:lower(); end
	if not self.check_domain then
		if wanted and wanted ~= "*" and wanted ~= room then return false, "room-mismatch", "Room does not match the room from token"; end
		return true;
	end
	local context = session.jitsi_meet_context_room;
	local name;
	if wanted == "*" then
		name = room;
	elseif type(context) == "table" and (context.regex == true or context.regex == "true") and type(wanted) == "string" then
		name = room:match(wanted);
	else
		name = wanted;
	end
	if not name then
		if not self.need_room then return true; end
		return false, "room-name-does-not-match", "Room name cannot be matched to the one from token.";
	end
	local site = type(session.jitsi_meet_domain) == "string" and session.jitsi_meet_domain:lower();
	if not site then return false, "domain-does-not-match", "The token names no domain"; end
	local muc = site == "*" and self.muc or self.prefix .. "." .. site;
	return name == room and muc == host;
end

return token;
