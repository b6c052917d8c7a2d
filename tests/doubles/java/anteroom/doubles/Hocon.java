// Test double of the configuration reader that jicofo and jitsi-videobridge use.
// Real: the HOCON subset those two files use (nested and dotted keys, = : and {, merging of repeated
//       objects, quoted, triple-quoted and unquoted values, arrays, # and // comments, newlines as commas).
// Not:  include, += and ${substitutions}; they and any syntax error are refused with the line number.
package anteroom.doubles;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class Hocon {
    /** The file cannot be used as it stands; the daemons exit with status 78 (configuration error). */
    static final class Bad extends RuntimeException {
        Bad(String message) {
            super(message);
        }
    }

    private final String text;
    private int at;

    private Hocon(String text) {
        this.text = text;
    }

    static Node load(String path) {
        try {
            return parse(Files.readString(Path.of(path)));
        } catch (IOException e) {
            throw new Bad("cannot read " + path + ": " + e);
        } catch (Bad e) {
            throw new Bad(path + ": " + e.getMessage());
        }
    }

    static Node parse(String text) {
        Hocon p = new Hocon(text);
        p.skipLines();
        boolean braced = p.take('{');
        Map<String, Object> root = new LinkedHashMap<>();
        p.fields(root, braced);
        p.skipLines();
        if (p.at < text.length()) throw p.bad("text after the end");
        return new Node("", root);
    }

    private Bad bad(String what) {
        int line = 1;
        for (int i = 0; i < at && i < text.length(); i++) if (text.charAt(i) == '\n') line++;
        return new Bad("line " + line + ": " + what);
    }

    private int peek() {
        return at < text.length() ? text.charAt(at) : -1;
    }

    private boolean take(char c) {
        if (peek() != c) return false;
        at++;
        return true;
    }

    private boolean atComment() {
        return peek() == '#' || text.startsWith("//", at);
    }

    private void skipBlanks() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\uFEFF') at++;
        if (atComment()) while (peek() != -1 && peek() != '\n') at++;
    }

    private void skipLines() {
        for (skipBlanks(); peek() == '\n'; skipBlanks()) at++;
    }

    private void skipSeparators() {
        for (skipBlanks(); peek() == '\n' || peek() == ','; skipBlanks()) at++;
    }

    private void fields(Map<String, Object> into, boolean braced) {
        while (true) {
            skipSeparators();
            if (peek() == -1) {
                if (braced) throw bad("a { is not closed");
                return;
            }
            if (peek() == '}') {
                if (!braced) throw bad("} without {");
                at++;
                return;
            }
            List<String> path = key();
            skipBlanks();
            Object value;
            if (peek() == '{') {
                value = value();
            } else if (text.startsWith("+=", at)) {
                throw bad("+= is not understood");
            } else if (take('=') || take(':')) {
                skipLines();
                value = value();
            } else {
                throw bad("expected =, : or { after " + String.join(".", path));
            }
            put(into, path, value);
        }
    }

    private List<String> key() {
        List<String> path = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean quoted = false;
        while (true) {
            int c = peek();
            if (c == '"') {
                part.append(quoted());
                quoted = true;
            } else if (c == '.') {
                at++;
                addPart(path, part, quoted);
                quoted = false;
            } else if (c == -1 || "=:{}[],+#\n".indexOf(c) >= 0) {
                break;
            } else if ("$`^?!@*&\\".indexOf(c) >= 0) {
                throw bad("unexpected " + (char) c + " in a key");
            } else {
                part.append((char) c);
                at++;
            }
        }
        addPart(path, part, quoted);
        if (path.get(0).equals("include") || path.get(0).startsWith("include ")) throw bad("include is not understood");
        return path;
    }

    private void addPart(List<String> path, StringBuilder part, boolean quoted) {
        String name = quoted ? part.toString() : part.toString().strip();
        if (name.isEmpty() && !quoted) throw bad("empty key");
        path.add(name.strip());
        part.setLength(0);
    }

    private Object value() {
        skipBlanks();
        if (peek() == '{') {
            at++;
            Map<String, Object> object = new LinkedHashMap<>();
            fields(object, true);
            endOfValue();
            return object;
        }
        if (peek() == '[') {
            at++;
            List<Object> items = new ArrayList<>();
            for (skipSeparators(); peek() != ']'; skipSeparators()) {
                if (peek() == -1) throw bad("a [ is not closed");
                items.add(value());
            }
            at++;
            endOfValue();
            return items;
        }
        StringBuilder out = new StringBuilder();
        StringBuilder gap = new StringBuilder();
        boolean any = false;
        while (true) {
            int c = peek();
            if (c == -1 || c == '\n' || c == ',' || c == '}' || c == ']' || atComment()) break;
            if (c == '$') throw bad("${...} is not understood");
            if (c == '{' || c == '[' || c == '=' || c == ':' && !any) throw bad("unexpected " + (char) c + " in a value");
            if (c == '"') {
                out.append(gap).append(quoted());
                gap.setLength(0);
                any = true;
            } else if (c == ' ' || c == '\t' || c == '\r') {
                gap.append((char) c);
                at++;
            } else {
                out.append(gap).append((char) c);
                gap.setLength(0);
                any = true;
                at++;
            }
        }
        if (!any) throw bad("a value is missing");
        return out.toString();
    }

    private void endOfValue() {
        skipBlanks();
        if (peek() != -1 && "\n,}]".indexOf(peek()) < 0) throw bad("unexpected text after a value");
    }

    private String quoted() {
        if (text.startsWith("\"\"\"", at)) {
            int end = text.indexOf("\"\"\"", at + 3);
            if (end < 0) throw bad("\"\"\" is not closed");
            String s = text.substring(at + 3, end);
            at = end + 3;
            return s;
        }
        at++;
        StringBuilder s = new StringBuilder();
        while (true) {
            int c = peek();
            if (c == -1 || c == '\n') throw bad("a quote is not closed");
            at++;
            if (c == '"') return s.toString();
            if (c != '\\') {
                s.append((char) c);
                continue;
            }
            int e = peek();
            at++;
            switch (e) {
                case 'n' -> s.append('\n');
                case 't' -> s.append('\t');
                case 'r' -> s.append('\r');
                case '"', '\\', '/' -> s.append((char) e);
                case 'u' -> {
                    s.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> throw bad("unknown escape in a quoted value");
            }
        }
    }

    @SuppressWarnings("unchecked")
    private void put(Map<String, Object> into, List<String> path, Object value) {
        Map<String, Object> map = into;
        for (String part : path.subList(0, path.size() - 1)) {
            Object next = map.get(part);
            if (!(next instanceof Map)) map.put(part, next = new LinkedHashMap<String, Object>());
            map = (Map<String, Object>) next;
        }
        String last = path.get(path.size() - 1);
        if (map.get(last) instanceof Map && value instanceof Map) {
            merge((Map<String, Object>) map.get(last), (Map<String, Object>) value);
        } else {
            map.put(last, value);
        }
    }

    @SuppressWarnings("unchecked")
    private static void merge(Map<String, Object> old, Map<String, Object> more) {
        more.forEach((k, v) -> {
            if (old.get(k) instanceof Map && v instanceof Map) merge((Map<String, Object>) old.get(k), (Map<String, Object>) v);
            else old.put(k, v);
        });
    }

    /** An object of the file, read by dotted path; every reader takes the default the real program has. */
    record Node(String name, Map<String, Object> map) {
        Object raw(String path) {
            Object here = map;
            for (String part : path.split("\\.")) {
                if (!(here instanceof Map<?, ?> m)) return null;
                here = m.get(part);
            }
            return here;
        }

        @SuppressWarnings("unchecked")
        Node object(String path) {
            return raw(path) instanceof Map<?, ?> m ? new Node(path, (Map<String, Object>) m) : new Node(path, Map.of());
        }

        String string(String path, String otherwise) {
            Object v = raw(path);
            if (v == null) return otherwise;
            if (v instanceof String s) return s;
            throw new Bad(path + " must be a plain value");
        }

        String need(String path) {
            String v = string(path, null);
            if (v == null || v.isBlank()) throw new Bad(path + " is missing");
            return v;
        }

        boolean flag(String path, boolean otherwise) {
            String v = string(path, null);
            if (v == null) return otherwise;
            return switch (v) {
                case "true", "yes", "on" -> true;
                case "false", "no", "off" -> false;
                default -> throw new Bad(path + " must be true or false, not " + v);
            };
        }

        int number(String path, int otherwise) {
            String v = string(path, null);
            try {
                return v == null ? otherwise : Integer.parseInt(v);
            } catch (NumberFormatException e) {
                throw new Bad(path + " must be a number, not " + v);
            }
        }

        Duration time(String path, Duration otherwise) {
            String v = string(path, null);
            if (v == null) return otherwise;
            String[] p = v.strip().split("(?<=\\d)\\s*(?=[a-zA-Z])");
            long n;
            try {
                n = Long.parseLong(p[0].strip());
            } catch (NumberFormatException e) {
                throw new Bad(path + " is not a time: " + v);
            }
            return switch (p.length == 1 ? "ms" : p[1]) {
                case "ms", "milli", "millis", "millisecond", "milliseconds" -> Duration.ofMillis(n);
                case "s", "second", "seconds" -> Duration.ofSeconds(n);
                case "m", "minute", "minutes" -> Duration.ofMinutes(n);
                case "h", "hour", "hours" -> Duration.ofHours(n);
                case "d", "day", "days" -> Duration.ofDays(n);
                default -> throw new Bad(path + " is not a time: " + v);
            };
        }

        /** A list, or a comma-separated plain value, as both spellings are accepted upstream. */
        List<String> strings(String path) {
            Object v = raw(path);
            List<String> out = new ArrayList<>();
            if (v instanceof List<?> l) l.forEach(i -> out.add(i.toString()));
            else if (v != null) for (String s : string(path, "").split(",")) if (!s.isBlank()) out.add(s.strip());
            return out;
        }
    }
}
