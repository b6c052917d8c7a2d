// Test double part: the XML that an XMPP stream may carry.
// Real: namespaces, attributes, the five entities and numeric references, read one element at a time.
// Not:  DTDs, comments and processing instructions inside the stream; XMPP forbids them and so does this.
package anteroom.doubles;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class Xml {
    static final class Element {
        final String name;
        final String ns;
        final Map<String, String> attributes = new LinkedHashMap<>();
        final List<Object> children = new ArrayList<>();

        Element(String name, String ns) {
            this.name = name;
            this.ns = ns;
        }

        String attr(String key) {
            return attributes.get(key);
        }

        String attr(String key, String otherwise) {
            return attributes.getOrDefault(key, otherwise);
        }

        Element child(String name) {
            return child(name, null);
        }

        Element child(String name, String ns) {
            for (Element e : elements()) if (e.name.equals(name) && (ns == null || ns.equals(e.ns))) return e;
            return null;
        }

        List<Element> elements() {
            List<Element> out = new ArrayList<>();
            for (Object o : children) if (o instanceof Element e) out.add(e);
            return out;
        }

        String text() {
            StringBuilder s = new StringBuilder();
            for (Object o : children) if (o instanceof String t) s.append(t);
            return s.toString();
        }

        @Override
        public String toString() {
            return write(null);
        }

        private String write(String outer) {
            StringBuilder s = new StringBuilder("<").append(name);
            if (ns != null && !ns.equals(outer)) s.append(" xmlns='").append(escape(ns)).append('\'');
            attributes.forEach((k, v) -> s.append(' ').append(k).append("='").append(escape(v)).append('\''));
            if (children.isEmpty()) return s.append("/>").toString();
            s.append('>');
            for (Object o : children) s.append(o instanceof Element e ? e.write(ns) : escape((String) o));
            return s.append("</").append(name).append('>').toString();
        }
    }

    static String escape(String s) {
        return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&apos;").replace("\"", "&quot;");
    }

    private final Reader in;
    private int next = -2;

    Xml(Reader in) {
        this.in = in;
    }

    private int peek() throws IOException {
        if (next == -2) next = in.read();
        return next;
    }

    private char read() throws IOException {
        int c = peek();
        if (c == -1) throw new IOException("the server closed the connection");
        next = -2;
        return (char) c;
    }

    private void blanks() throws IOException {
        while (peek() != -1 && Character.isWhitespace(peek())) read();
    }

    /** Reads the stream header; its prefixes are in scope for every stanza. */
    Map<String, String> header() throws IOException {
        while (true) {
            blanks();
            if (read() != '<') throw new IOException("expected a stream header");
            if (peek() == '?') {
                while (read() != '>') { }
                continue;
            }
            Map<String, String> scope = new HashMap<>(Map.of("xml", "http://www.w3.org/XML/1998/namespace"));
            Open o = open(scope);
            if (o.closed || !o.element.name.equals("stream")) throw new IOException("not a stream header");
            return o.scope;
        }
    }

    /** The next stanza, or null when the server ends the stream. Blanks between stanzas are keep-alives. */
    Element stanza(Map<String, String> scope) throws IOException {
        blanks();
        if (read() != '<') throw new IOException("text between stanzas");
        if (peek() == '/') return null;
        return element(scope);
    }

    private record Open(Element element, Map<String, String> scope, boolean closed) { }

    private Open open(Map<String, String> outer) throws IOException {
        if (peek() == '!' || peek() == '?') throw new IOException("forbidden markup in the stream");
        String name = name();
        Map<String, String> raw = new LinkedHashMap<>();
        boolean closed = false;
        while (true) {
            blanks();
            char c = (char) peek();
            if (c == '>') {
                read();
                break;
            }
            if (c == '/') {
                read();
                if (read() != '>') throw new IOException("bad tag");
                closed = true;
                break;
            }
            String key = name();
            blanks();
            if (read() != '=') throw new IOException("bad attribute");
            blanks();
            char q = read();
            if (q != '"' && q != '\'') throw new IOException("bad attribute quote");
            StringBuilder v = new StringBuilder();
            while (peek() != q) text(v);
            read();
            raw.put(key, v.toString());
        }
        Map<String, String> scope = new HashMap<>(outer);
        raw.forEach((k, v) -> {
            if (k.equals("xmlns")) scope.put("", v);
            else if (k.startsWith("xmlns:")) scope.put(k.substring(6), v);
        });
        int colon = name.indexOf(':');
        Element e = new Element(name.substring(colon + 1), scope.get(colon < 0 ? "" : name.substring(0, colon)));
        raw.forEach((k, v) -> {
            if (!k.equals("xmlns") && !k.startsWith("xmlns:")) e.attributes.put(k, v);
        });
        return new Open(e, scope, closed);
    }

    private Element element(Map<String, String> outer) throws IOException {
        Open o = open(outer);
        if (o.closed) return o.element;
        StringBuilder text = new StringBuilder();
        while (true) {
            if (peek() != '<') {
                text(text);
                continue;
            }
            read();
            if (text.length() > 0) {
                o.element.children.add(text.toString());
                text.setLength(0);
            }
            if (peek() == '/') {
                read();
                name();
                blanks();
                if (read() != '>') throw new IOException("bad end tag");
                return o.element;
            }
            o.element.children.add(element(o.scope));
        }
    }

    private String name() throws IOException {
        StringBuilder s = new StringBuilder();
        while (peek() != -1 && "=/> \t\r\n<".indexOf(peek()) < 0) s.append(read());
        if (s.isEmpty()) throw new IOException("a name is missing");
        return s.toString();
    }

    private void text(StringBuilder out) throws IOException {
        char c = read();
        if (c != '&') {
            out.append(c);
            return;
        }
        StringBuilder ref = new StringBuilder();
        for (char r = read(); r != ';'; r = read()) {
            if (ref.append(r).length() > 8) throw new IOException("bad reference");
        }
        String r = ref.toString();
        switch (r) {
            case "amp" -> out.append('&');
            case "lt" -> out.append('<');
            case "gt" -> out.append('>');
            case "quot" -> out.append('"');
            case "apos" -> out.append('\'');
            default -> {
                if (!r.startsWith("#")) throw new IOException("unknown entity " + r);
                out.appendCodePoint(r.startsWith("#x") ? Integer.parseInt(r.substring(2), 16) : Integer.parseInt(r.substring(1)));
            }
        }
    }
}
