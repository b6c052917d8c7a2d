-- Loads Prosody configurations in an environment that records what is set, where, as Prosody's configmanager would.
-- Usage: lua5.4 record.lua FILE...; prints, for each file, `file NAME` and a line `SECTION<TAB>PATH<TAB>VALUE` for each
-- value, in hexadecimal where text may hold anything.

local function hex(text)
    return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function step(path, key)
    if math.type(key) == "integer" then
        return path .. "[" .. key .. "]"
    end
    return (path == "" and "" or path .. ".") .. "\"" .. hex(tostring(key))
end

local function show(section, path, value)
    if type(value) == "table" then
        local keys = {}
        for key in pairs(value) do keys[#keys + 1] = key end
        table.sort(keys, function(a, b)
            if math.type(a) == "integer" and math.type(b) == "integer" then return a < b end
            return tostring(a) < tostring(b)
        end)
        print(hex(section), path, "table " .. #value)
        for _, key in ipairs(keys) do show(section, step(path, key), value[key]) end
    elseif type(value) == "string" then
        print(hex(section), path, "string " .. hex(value))
    else
        print(hex(section), path, type(value) .. " " .. tostring(value))
    end
end

local function load_config(name)
    local section, order, set = "*", {}, {}
    local function put(key, value)
        local where = section .. "/" .. key
        if set[where] then error("set twice: " .. where) end
        set[where] = true
        order[#order + 1] = { section, key, value }
    end
    local function options(values)
        for key, value in pairs(values) do put(key, value) end
        section = "*"
    end
    local env = setmetatable({}, { __newindex = function(_, key, value) put(key, value) end })
    rawset(env, "VirtualHost", function(host)
        section = host
        put("defined", true)
        return options
    end)
    rawset(env, "Component", function(host)
        section = host
        put("defined", true)
        return function(module)
            if type(module) ~= "string" then return options(module) end
            put("component_module", module)
            return options
        end
    end)
    rawset(env, "Include", function(pattern) put("Include", pattern) end)
    -- Nothing of Lua's library is there: a configuration that calls anything fails.
    local chunk, err = loadfile(name, "t", env)
    if not chunk then error(err, 0) end
    chunk()
    print("file " .. name)
    for _, entry in ipairs(order) do show(entry[1], step("", entry[2]), entry[3]) end
end

for _, name in ipairs(arg) do load_config(name) end
