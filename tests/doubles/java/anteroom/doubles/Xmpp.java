// Test double part: the XMPP client connection of jicofo and jitsi-videobridge.
// Real: TCP, STARTTLS (required unless switched off), certificate and host name checked against the trust
//       store of the Java runtime, SASL SCRAM-SHA-1 with the server's proof checked, PLAIN only under TLS,
//       resource binding, replies matched by id and sender, keep-alives, reconnection with a growing pause.
// Not:  stream management, compression, channel binding, rosters.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.HashSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

final class Xmpp {
    /** What the daemon on top does; called one stanza at a time on one thread per connection. */
    interface Handler {
        void online();

        void offline();

        void stanza(Element stanza);
    }

    record Account(String host, int port, String domain, String user, String password, String resource,
                   boolean useTls, boolean skipVerification) { }

    private static final Logger LOG = Logger.getLogger("xmpp");
    private static final String TLS = "urn:ietf:params:xml:ns:xmpp-tls";
    private static final String SASL = "urn:ietf:params:xml:ns:xmpp-sasl";
    static final String ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas";

    private final Account account;
    private final Handler handler;
    private final ExecutorService work = Executors.newSingleThreadExecutor(r -> daemon(r, "stanzas"));
    private final Map<String, CompletableFuture<Element>> waiting = new ConcurrentHashMap<>();
    private final AtomicLong ids = new AtomicLong(System.nanoTime() & 0xffffff);
    private volatile boolean stopping;
    private volatile boolean online;
    private volatile Socket socket;
    private OutputStream out;
    private Xml xml;
    private Map<String, String> scope;
    private volatile String jid;

    Xmpp(Account account, Handler handler) {
        this.account = account;
        this.handler = handler;
    }

    static Thread daemon(Runnable r, String name) {
        Thread t = new Thread(r, name);
        t.setDaemon(true);
        return t;
    }

    void start() {
        daemon(this::forever, "xmpp-" + account.domain).start();
        daemon(this::keepAlive, "xmpp-ping").start();
    }

    void stop() {
        stopping = true;
        try {
            if (online) {
                send("<presence type='unavailable'/>");
                send("</stream:stream>");
            }
            Socket s = socket;
            if (s != null) s.close();
        } catch (IOException e) {
            LOG.fine("while closing: " + e);
        }
    }

    boolean isOnline() {
        return online;
    }

    String jid() {
        return jid;
    }

    void send(String s) throws IOException {
        synchronized (this) {
            if (out == null) throw new IOException("not connected");
            LOG.finer(() -> ">> " + s);
            out.write(s.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }
    }

    /** Sends, and only logs when the connection is gone: the reconnection repairs it. */
    void trySend(String s) {
        try {
            send(s);
        } catch (IOException e) {
            LOG.warning("not sent: " + e.getMessage());
        }
    }

    /** Sends an IQ and gives its result or error stanza. */
    CompletableFuture<Element> ask(String type, String to, String payload) {
        String id = "d" + ids.incrementAndGet();
        CompletableFuture<Element> answer = new CompletableFuture<>();
        String key = id + " " + to;
        waiting.put(key, answer);
        answer.orTimeout(15, TimeUnit.SECONDS).whenComplete((r, e) -> waiting.remove(key));
        try {
            send("<iq type='" + type + "' id='" + id + "' to='" + Xml.escape(to) + "'>" + payload + "</iq>");
        } catch (IOException e) {
            answer.completeExceptionally(e);
        }
        return answer;
    }

    static String error(Element to, String type, String condition, String text, String extra) {
        return "<" + to.name + " type='error' id='" + Xml.escape(to.attr("id", "")) + "' to='" + Xml.escape(to.attr("from", "")) + "'>"
            + "<error type='" + type + "'><" + condition + " xmlns='" + ERRORS + "'/>"
            + (text == null ? "" : "<text xmlns='" + ERRORS + "'>" + Xml.escape(text) + "</text>") + extra + "</error></" + to.name + ">";
    }

    private void keepAlive() {
        while (!stopping) {
            pause(30_000);
            if (online) trySend(" ");
        }
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void forever() {
        long wait = 1000;
        while (!stopping) {
            try {
                connect();
                wait = 1000;
                listen();
                LOG.warning("the server ended the stream");
            } catch (Exception e) {
                if (!stopping) LOG.log(Level.WARNING, "connection to " + account.host + ":" + account.port + " failed: " + e);
            }
            boolean was = online;
            online = false;
            synchronized (this) {
                out = null;
            }
            try {
                if (socket != null) socket.close();
            } catch (IOException e) {
                LOG.fine("while closing: " + e);
            }
            waiting.values().forEach(f -> f.completeExceptionally(new IOException("disconnected")));
            if (was) work.execute(handler::offline);
            if (!stopping) pause(wait);
            wait = Math.min(wait * 2, 30_000);
        }
    }

    private void connect() throws IOException, GeneralSecurityException {
        Socket tcp = new Socket();
        socket = tcp;
        tcp.connect(new InetSocketAddress(account.host, account.port), 10_000);
        tcp.setSoTimeout(20_000);
        attach(tcp);
        Element features = open();
        boolean secure = false;
        if (account.useTls) {
            if (features.child("starttls", TLS) == null) throw new IOException("the server offers no STARTTLS");
            send("<starttls xmlns='" + TLS + "'/>");
            if (!"proceed".equals(next().name)) throw new IOException("STARTTLS refused");
            SSLSocket tls = (SSLSocket) context().getSocketFactory().createSocket(tcp, account.domain, account.port, true);
            SSLParameters p = tls.getSSLParameters();
            p.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
            if (!account.skipVerification) p.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(p);
            tls.startHandshake();
            LOG.info("encrypted with " + tls.getSession().getProtocol() + " " + tls.getSession().getCipherSuite()
                + (account.skipVerification ? ", certificate NOT verified" : ", certificate verified for " + account.domain));
            socket = tls;
            attach(tls);
            secure = true;
            features = open();
        }
        login(features, secure);
        features = open();
        String bind = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            + (account.resource == null ? "" : "<resource>" + Xml.escape(account.resource) + "</resource>") + "</bind></iq>";
        send(bind);
        Element bound = next();
        if (!"result".equals(bound.attr("type"))) throw new IOException("bind refused: " + bound);
        jid = bound.child("bind").child("jid").text();
        Element session = features.child("session");
        if (session != null && session.child("optional") == null) {
            send("<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
            next();
        }
        socket.setSoTimeout(0);
        online = true;
        LOG.info("logged in as " + jid);
        send("<presence/>");
        work.execute(handler::online);
    }

    private void attach(Socket s) throws IOException {
        synchronized (this) {
            out = s.getOutputStream();
        }
        xml = new Xml(new BufferedReader(new InputStreamReader(s.getInputStream(), StandardCharsets.UTF_8)));
    }

    private Element open() throws IOException {
        send("<?xml version='1.0'?><stream:stream to='" + Xml.escape(account.domain)
            + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
        scope = xml.header();
        Element features = next();
        if (!features.name.equals("features")) throw new IOException("expected features, got " + features);
        return features;
    }

    private Element next() throws IOException {
        Element e = xml.stanza(scope);
        if (e == null) throw new IOException("the server ended the stream");
        LOG.finer(() -> "<< " + e);
        if (e.name.equals("error") && "http://etherx.jabber.org/streams".equals(e.ns)) throw new IOException("stream error: " + e);
        return e;
    }

    private SSLContext context() throws GeneralSecurityException {
        SSLContext c = SSLContext.getInstance("TLS");
        c.init(null, account.skipVerification ? new TrustManager[] {new TrustAnyone()} : null, null);
        return c;
    }

    private void login(Element features, boolean secure) throws IOException, GeneralSecurityException {
        Set<String> offered = new HashSet<>();
        Element list = features.child("mechanisms", SASL);
        if (list != null) list.elements().forEach(m -> offered.add(m.text()));
        if (offered.contains("SCRAM-SHA-1")) {
            scram();
        } else if (offered.contains("PLAIN") && secure) {
            String s = "\0" + account.user + "\0" + account.password;
            send("<auth xmlns='" + SASL + "' mechanism='PLAIN'>" + base64(s) + "</auth>");
            expect(next(), "success");
        } else {
            throw new IOException("no usable SASL mechanism among " + offered);
        }
        // the stream restarts on the same reader
    }

    private static Element expect(Element e, String name) throws IOException {
        if (!e.name.equals(name)) throw new IOException("login failed: " + e);
        return e;
    }

    private static String base64(String s) {
        return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_8));
    }

    private void scram() throws IOException, GeneralSecurityException {
        byte[] random = new byte[18];
        new SecureRandom().nextBytes(random);
        String nonce = Base64.getEncoder().encodeToString(random);
        String first = "n=" + account.user.replace("=", "=3D").replace(",", "=2C") + ",r=" + nonce;
        send("<auth xmlns='" + SASL + "' mechanism='SCRAM-SHA-1'>" + base64("n,," + first) + "</auth>");
        String server = decode(expect(next(), "challenge"));
        Map<String, String> f = new HashMap<>();
        for (String part : server.split(",")) f.put(part.substring(0, 1), part.substring(2));
        if (!f.getOrDefault("r", "").startsWith(nonce)) throw new IOException("the server changed the nonce");
        PBEKeySpec spec = new PBEKeySpec(account.password.toCharArray(), Base64.getDecoder().decode(f.get("s")), Integer.parseInt(f.get("i")), 160);
        byte[] salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA1").generateSecret(spec).getEncoded();
        byte[] clientKey = hmac(salted, "Client Key");
        byte[] stored = MessageDigest.getInstance("SHA-1").digest(clientKey);
        String bare = "c=" + base64("n,,") + ",r=" + f.get("r");
        String message = first + "," + server + "," + bare;
        byte[] proof = hmac(stored, message);
        for (int i = 0; i < proof.length; i++) proof[i] ^= clientKey[i];
        send("<response xmlns='" + SASL + "'>" + base64(bare + ",p=" + Base64.getEncoder().encodeToString(proof)) + "</response>");
        String last = decode(expect(next(), "success"));
        String wanted = "v=" + Base64.getEncoder().encodeToString(hmac(hmac(salted, "Server Key"), message));
        if (!last.equals(wanted)) throw new IOException("the server could not prove that it knows the password");
    }

    private static String decode(Element e) {
        return new String(Base64.getDecoder().decode(e.text().strip()), StandardCharsets.UTF_8);
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(key, "HmacSHA1"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private void listen() throws IOException {
        while (true) {
            Element e = xml.stanza(scope);
            if (e == null) return;
            LOG.finer(() -> "<< " + e);
            if (e.name.equals("error") && "http://etherx.jabber.org/streams".equals(e.ns)) throw new IOException("stream error: " + e);
            String type = e.attr("type", "");
            if (e.name.equals("iq") && (type.equals("result") || type.equals("error"))) {
                CompletableFuture<Element> f = waiting.get(e.attr("id", "") + " " + e.attr("from", account.domain));
                if (f != null) f.complete(e);
                continue;
            }
            if (e.name.equals("iq") && type.equals("get")) {
                if (e.child("ping", "urn:xmpp:ping") != null) {
                    reply(e, "");
                    continue;
                }
                if (e.child("query", "http://jabber.org/protocol/disco#info") != null) {
                    reply(e, "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:ping'/></query>");
                    continue;
                }
            }
            work.execute(() -> {
                try {
                    handler.stanza(e);
                } catch (RuntimeException x) {
                    LOG.log(Level.SEVERE, "while handling " + e.name, x);
                }
            });
        }
    }

    void reply(Element iq, String payload) {
        trySend("<iq type='result' id='" + Xml.escape(iq.attr("id", "")) + "' to='" + Xml.escape(iq.attr("from", "")) + "'>" + payload + "</iq>");
    }

    /** Only for disable-certificate-verification, the switch a safe installation never sets. */
    private static final class TrustAnyone extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] c, String a) { }
        public void checkServerTrusted(X509Certificate[] c, String a) { }
        public void checkClientTrusted(X509Certificate[] c, String a, Socket s) { }
        public void checkServerTrusted(X509Certificate[] c, String a, Socket s) { }
        public void checkClientTrusted(X509Certificate[] c, String a, javax.net.ssl.SSLEngine e) { }
        public void checkServerTrusted(X509Certificate[] c, String a, javax.net.ssl.SSLEngine e) { }
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
