// Test double part: the small HTTP servers of jicofo and jitsi-videobridge.
// Real: exact paths, methods and status codes, JSON bodies, bound to the configured address only.
// Not:  TLS and the Jetty headers.
package anteroom.doubles;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.logging.Logger;

final class Rest {
    record Answer(int status, String type, String body) {
        static Answer json(String body) {
            return new Answer(200, "application/json", body);
        }

        static Answer text(int status, String body) {
            return new Answer(status, "text/plain", body);
        }
    }

    interface Endpoint {
        Answer answer(String body, HttpExchange request) throws IOException;
    }

    private final Map<String, Endpoint> endpoints = new HashMap<>();
    private final HttpServer server;

    Rest(String host, int port) throws IOException {
        server = bind(new InetSocketAddress(InetAddress.getByName(host), port));
        server.setExecutor(Executors.newFixedThreadPool(2, r -> Xmpp.daemon(r, "rest")));
        server.createContext("/", this::handle);
    }

    /** An init script does not wait for the process it stops, so the old one may hold the port for a moment. */
    private static HttpServer bind(InetSocketAddress address) throws IOException {
        for (int tries = 0; ; tries++) {
            try {
                return HttpServer.create(address, 16);
            } catch (BindException e) {
                if (tries == 50) throw e;
            }
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    /** "GET /path"; a path ending in * matches by its beginning. */
    void on(String methodAndPath, Endpoint e) {
        endpoints.put(methodAndPath, e);
    }

    void start() {
        server.start();
        Logger.getLogger("rest").info("listening on " + server.getAddress());
    }

    private void handle(HttpExchange x) throws IOException {
        try (x) {
            String path = x.getRequestURI().getPath();
            Endpoint e = endpoints.get(x.getRequestMethod() + " " + path);
            for (Map.Entry<String, Endpoint> p : endpoints.entrySet()) {
                String k = p.getKey();
                if (e == null && k.endsWith("*") && (x.getRequestMethod() + " " + path).startsWith(k.substring(0, k.length() - 1))) e = p.getValue();
            }
            String body = new String(x.getRequestBody().readNBytes(65536), StandardCharsets.UTF_8);
            Answer a = e == null ? Answer.text(404, "Not Found\n") : e.answer(body, x);
            byte[] bytes = a.body.getBytes(StandardCharsets.UTF_8);
            x.getResponseHeaders().set("Content-Type", a.type);
            x.sendResponseHeaders(a.status, bytes.length == 0 ? -1 : bytes.length);
            if (bytes.length > 0) try (OutputStream o = x.getResponseBody()) {
                o.write(bytes);
            }
        } catch (RuntimeException e) {
            Logger.getLogger("rest").warning("request failed: " + e);
        }
    }

    static String quote(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') b.append('\\').append(c);
            else if (c < 32) b.append(String.format("\\u%04x", (int) c));
            else b.append(c);
        }
        return b.append('"').toString();
    }
}
