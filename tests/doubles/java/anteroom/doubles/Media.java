// Test double part: the media of the bridge.
// Real: ICE-lite, DTLS, SRTP, forwarding of RTP between the endpoints of a conference; what does not prove itself is
//       dropped in silence; strangers get no answer.
// More: faults that the real one has no setting for, one at a time, for tests: -Danteroom.double.fault=NAME with
//       forwards-plain, answers-anyone, swallows-media, weak-fingerprint or other-fingerprint.
// Not:  RTCP, bandwidth estimation, selection of speakers and layers, data channels, relays to other bridges.
package anteroom.doubles;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import org.bouncycastle.tls.DTLSServerProtocol;
import org.bouncycastle.tls.DatagramTransport;

final class Media {
    private static final Logger LOG = Logger.getLogger("media");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final String FAULT = System.getProperty("anteroom.double.fault", "none");

    private final List<Integer> profiles;
    private final Handshake.Identity identity;
    private final List<DatagramSocket> sockets = new ArrayList<>();
    private final Map<String, Endpoint> byName = new ConcurrentHashMap<>();
    private final Map<SocketAddress, Endpoint> byAddress = new ConcurrentHashMap<>();

    Media(List<String> names) throws GeneralSecurityException, IOException {
        profiles = names.stream().map(Media::profile).toList();
        identity = new Handshake.Identity();
    }

    private static int profile(String name) {
        return switch (name) {
            case "SRTP_AEAD_AES_128_GCM" -> Srtp.AEAD;
            case "SRTP_AES128_CM_HMAC_SHA1_80" -> Srtp.SHA1;
            default -> throw new Hocon.Bad("TEST DOUBLE: the SRTP profile " + name + " is not doubled");
        };
    }

    void serve(DatagramSocket s) {
        sockets.add(s);
        Xmpp.daemon(() -> receive(s), "media").start();
    }

    List<InetSocketAddress> addresses() {
        return sockets.stream().map(s -> (InetSocketAddress) s.getLocalSocketAddress()).toList();
    }

    /** How the certificate is announced: digest, value. */
    String[] fingerprint() throws GeneralSecurityException, IOException {
        return switch (FAULT) {
            case "weak-fingerprint" -> new String[] {"sha-1", identity.fingerprint("SHA-1")};
            case "other-fingerprint" -> new String[] {"sha-256", new Handshake.Identity().fingerprint("SHA-256")};
            default -> new String[] {"sha-256", identity.fingerprint("SHA-256")};
        };
    }

    /** One participant of a conference; the same one where it is asked for again. */
    synchronized Endpoint endpoint(String conference, String id) {
        for (Endpoint e : byName.values()) if (e.conference.equals(conference) && e.id.equals(id)) return e;
        Endpoint e = new Endpoint(conference, id);
        byName.put(e.ufrag, e);
        LOG.info("endpoint " + id + " of " + conference);
        return e;
    }

    void expire(String conference, String id) {
        byName.values().removeIf(e -> e.conference.equals(conference) && e.id.equals(id));
        byAddress.values().removeIf(e -> e.conference.equals(conference) && e.id.equals(id));
    }

    private void receive(DatagramSocket s) {
        byte[] buffer = new byte[2048];
        while (true) {
            DatagramPacket p = new DatagramPacket(buffer, buffer.length);
            try {
                s.receive(p);
            } catch (IOException e) {
                LOG.warning("media socket: " + e);
                return;
            }
            if (p.getLength() == 0) continue;
            byte[] b = Arrays.copyOf(p.getData(), p.getLength());
            try {
                take(s, b, (InetSocketAddress) p.getSocketAddress());
            } catch (IOException | GeneralSecurityException | RuntimeException e) {
                LOG.fine("a datagram of " + p.getSocketAddress() + ": " + e);
            }
        }
    }

    private void take(DatagramSocket s, byte[] b, InetSocketAddress from) throws IOException, GeneralSecurityException {
        int first = b[0] & 0xff;
        if (first <= 3) {
            check(s, b, from);
            return;
        }
        Endpoint e = byAddress.get(from);
        if (e == null) return;
        if (first >= 20 && first <= 63) e.handshake.offer(b);
        else if (first >= 128 && first <= 191) forward(e, b);
    }

    private void check(DatagramSocket s, byte[] b, InetSocketAddress from) throws IOException {
        Stun m = Stun.read(b);
        if (m == null || m.kind != Stun.REQUEST || m.names().length < 2) return;
        Endpoint e = byName.get(m.names()[0]);
        if (FAULT.equals("answers-anyone")) {
            // As whoever is there, so that the answer is well signed for one of them at least.
            for (Endpoint any : byName.values()) if (e == null || !m.provesItself(e.password)) send(s, m.success(from, any.password), from);
        }
        if (e == null) return;
        if (!m.provesItself(e.password)) {
            send(s, m.unauthorized(), from);
            return;
        }
        byAddress.put(from, e);
        send(s, m.success(from, e.password), from);
        e.begin(s, from);
    }

    private static void send(DatagramSocket s, byte[] b, SocketAddress to) throws IOException {
        s.send(new DatagramPacket(b, b.length, to));
    }

    private void forward(Endpoint from, byte[] b) throws IOException, GeneralSecurityException {
        int type = b.length > 1 ? b[1] & 0x7f : 0;
        // 64 to 95 is RTCP (RFC 5761).
        if (from.in == null || type >= 64 && type <= 95 || FAULT.equals("swallows-media")) return;
        byte[] packet = from.in.open(b);
        boolean plain = packet == null && FAULT.equals("forwards-plain");
        if (packet == null && !plain) return;
        for (Endpoint to : byName.values()) {
            if (to != from && to.conference.equals(from.conference) && to.out != null) {
                byte[] out = plain ? b : to.out.seal(packet);
                if (out != null) send(to.socket, out, to.address);
            }
        }
    }

    private static String random(int length) {
        StringBuilder s = new StringBuilder();
        while (s.length() < length) s.append(Character.forDigit(RANDOM.nextInt(36), 36));
        return s.toString();
    }

    final class Endpoint implements DatagramTransport {
        private final String conference;
        private final String id;
        final String ufrag = random(14);
        final String password = random(26);
        final CompletableFuture<String> announced = new CompletableFuture<>();
        private final BlockingQueue<byte[]> handshake = new ArrayBlockingQueue<>(64);
        private boolean begun;
        private volatile DatagramSocket socket;
        private volatile SocketAddress address;
        private volatile Srtp in;
        private volatile Srtp out;

        Endpoint(String conference, String id) {
            this.conference = conference;
            this.id = id;
        }

        private synchronized void begin(DatagramSocket s, SocketAddress from) {
            if (begun) return;
            begun = true;
            socket = s;
            address = from;
            Xmpp.daemon(this::shake, "dtls-" + id).start();
        }

        private void shake() {
            try {
                Handshake server = new Handshake(identity, profiles, () -> announced.orTimeout(60, TimeUnit.SECONDS).join());
                new DTLSServerProtocol().accept(server, this);
                Srtp[] keys = server.keys();
                in = keys[0];
                out = keys[1];
                LOG.info("DTLS done with " + id);
            } catch (IOException | GeneralSecurityException | RuntimeException e) {
                LOG.warning("DTLS with " + id + ": " + e);
            }
        }

        @Override
        public int getReceiveLimit() {
            return 1500;
        }

        @Override
        public int getSendLimit() {
            return 1200;
        }

        @Override
        public int receive(byte[] buffer, int offset, int length, int wait) throws IOException {
            try {
                byte[] b = handshake.poll(wait, TimeUnit.MILLISECONDS);
                if (b == null) return -1;
                int size = Math.min(length, b.length);
                System.arraycopy(b, 0, buffer, offset, size);
                return size;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }

        @Override
        public void send(byte[] buffer, int offset, int length) throws IOException {
            Media.send(socket, Arrays.copyOfRange(buffer, offset, offset + length), address);
        }

        @Override
        public void close() {
        }
    }
}
