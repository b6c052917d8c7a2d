-- Which XMPP accounts Prosody holds, and whether the stored key of each belongs to the secret it was to be compared with.
-- Arguments: a file of `JID<tab>secret name` lines, the secrets file, and the account files of Prosody's storage. Answers
-- `JID<tab>matches|differs|not-compared` lines. Account files belong to Prosody, so they are read as text and never run.
package.path = "/usr/lib/prosody/?.lua;" .. package.path
package.cpath = "/usr/lib/prosody/?.so;" .. package.cpath

local function lines(path)
    local file = io.open(path)
    local found = {}
    if file then
        for line in file:lines() do found[#found + 1] = line end
        file:close()
    end
    return found
end

local secrets = {}
for _, line in ipairs(lines(arg[2])) do
    local name, value = line:match("^([^=]+)=(.+)$")
    if name then secrets[name] = value end
end

local wanted = {}
for _, line in ipairs(lines(arg[1])) do
    local jid, name = line:match("^([^\t]+)\t([^\t]+)$")
    if jid then wanted[jid] = name end
end

-- Prosody's datamanager writes every other byte than a letter or digit as %xx.
local function decode(text)
    return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function hex(bytes)
    return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

-- SCRAM's stored key (RFC 5802): H(HMAC(Hi(password, salt, i), "Client Key")). Its length names the hash.
local function stored_key(password, salt, iterations, length)
    -- Prosody 13 has its modules below prosody.util, which only Prosody itself knows how to find.
    local found, hashes = pcall(require, "util.hashes")
    if not found then
        hashes = assert(package.loadlib("/usr/lib/prosody/util/hashes.so", "luaopen_prosody_util_hashes"))()
    end
    local hash = length == 64 and "sha256" or "sha1"
    local hi = hashes["pbkdf2_hmac_" .. hash] or (hash == "sha1" and hashes.scram_Hi_sha1)
    if not hi then error("this Prosody has no PBKDF2 for " .. hash) end
    return hex(hashes[hash](hashes["hmac_" .. hash](hi(password, salt, iterations), "Client Key")))
end

for index = 3, #arg do
    local host, user = arg[index]:match("/([^/]+)/accounts/([^/]+)%.dat$")
    local jid = decode(user) .. "@" .. decode(host)
    if jid:find("%c") then error("an account file has a control character in its name") end
    local verdict = "not-compared"
    if wanted[jid] then
        local secret = secrets[wanted[jid]]
        local text = table.concat(lines(arg[index]), "\n")
        local function field(name) return text:match('%["' .. name .. '"%] = "([^"\\]*)"') end
        local stored, salt = field("stored_key"), field("salt")
        local iterations = tonumber(text:match('%["iteration_count"%] = (%d+)'))
        local plain = field("password")
        if not secret then
            verdict = "differs"
        elseif stored and salt and iterations and iterations <= 10000000 then
            verdict = stored_key(secret, salt, iterations, #stored) == stored:lower() and "matches" or "differs"
        elseif plain then
            verdict = plain == secret and "matches" or "differs"
        else
            error("the account file of " .. jid .. " has neither a stored key nor a password")
        end
    end
    print(jid .. "\t" .. verdict)
end
