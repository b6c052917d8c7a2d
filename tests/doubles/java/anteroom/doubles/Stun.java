// Test double part: STUN as ICE uses it (RFC 8489, RFC 8445), for the side that answers.
// Real: attributes, MESSAGE-INTEGRITY, FINGERPRINT, the answers of ice4j to wrong credentials.
// Not:  checks of our own; the bridge here is ICE-lite, the real one is not.
package anteroom.doubles;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

final class Stun {
    static final int REQUEST = 0x0001;
    private static final int SUCCESS = 0x0101;
    private static final int REFUSAL = 0x0111;
    private static final int COOKIE = 0x2112a442;
    private static final int USERNAME = 0x0006;
    private static final int INTEGRITY = 0x0008;
    private static final int ERROR = 0x0009;
    private static final int MAPPED = 0x0020;
    private static final int FINGERPRINT = 0x8028;

    final int kind;
    private final byte[] bytes;
    private final Map<Integer, byte[]> attributes = new HashMap<>();
    private int signedUpTo = -1;

    private Stun(byte[] bytes) {
        this.bytes = bytes;
        kind = ByteBuffer.wrap(bytes).getShort() & 0xffff;
    }

    /** A message, or null where the datagram is none. */
    static Stun read(byte[] b) {
        if (b.length < 20 || b[0] > 3 || ByteBuffer.wrap(b).getInt(4) != COOKIE) return null;
        if ((ByteBuffer.wrap(b).getShort(2) & 0xffff) != b.length - 20) return null;
        Stun s = new Stun(b);
        for (int at = 20; at + 4 <= b.length; ) {
            int type = ByteBuffer.wrap(b).getShort(at) & 0xffff;
            int size = ByteBuffer.wrap(b).getShort(at + 2) & 0xffff;
            if (at + 4 + size > b.length) return null;
            if (type == INTEGRITY && s.signedUpTo < 0) s.signedUpTo = at;
            s.attributes.putIfAbsent(type, Arrays.copyOfRange(b, at + 4, at + 4 + size));
            at += 4 + (size + 3) / 4 * 4;
        }
        return s;
    }

    /** The two halves of the user name: ours first. */
    String[] names() {
        byte[] name = attributes.get(USERNAME);
        return name == null ? new String[0] : new String(name, StandardCharsets.UTF_8).split(":", 2);
    }

    /** As ice4j with REQUIRE_MESSAGE_INTEGRITY left at false: no signature is as good as a right one. */
    boolean provesItself(String password) {
        if (signedUpTo < 0) return true;
        byte[] covered = Arrays.copyOf(bytes, signedUpTo);
        ByteBuffer.wrap(covered).putShort(2, (short) (signedUpTo - 20 + 24));
        return MessageDigest.isEqual(sign(password, covered), attributes.get(INTEGRITY));
    }

    byte[] success(InetSocketAddress from, String password) {
        byte[] ip = from.getAddress().getAddress();
        ByteBuffer v = ByteBuffer.allocate(4 + ip.length).put((byte) 0).put((byte) (ip.length == 4 ? 1 : 2));
        v.putShort((short) (from.getPort() ^ (COOKIE >>> 16)));
        for (int i = 0; i < ip.length; i++) v.put((byte) (ip[i] ^ bytes[4 + i]));
        return answer(SUCCESS, MAPPED, v.array(), password);
    }

    byte[] unauthorized() {
        byte[] reason = "Wrong MESSAGE-INTEGRITY value".getBytes(StandardCharsets.US_ASCII);
        return answer(REFUSAL, ERROR, ByteBuffer.allocate(4 + reason.length).put(2, (byte) 4).put(3, (byte) 1).put(4, reason).array(), null);
    }

    private byte[] answer(int type, int attribute, byte[] value, String password) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(4).putShort((short) type).putShort((short) 0).array());
        out.write(bytes, 4, 16);
        put(out, attribute, value);
        if (password != null) put(out, INTEGRITY, sign(password, counted(out, 24)));
        CRC32 crc = new CRC32();
        crc.update(counted(out, 8));
        put(out, FINGERPRINT, ByteBuffer.allocate(4).putInt((int) crc.getValue() ^ 0x5354554e).array());
        return counted(out, 0);
    }

    private static byte[] counted(ByteArrayOutputStream out, int further) {
        byte[] b = out.toByteArray();
        ByteBuffer.wrap(b).putShort(2, (short) (b.length - 20 + further));
        return b;
    }

    private static void put(ByteArrayOutputStream out, int type, byte[] value) {
        out.writeBytes(ByteBuffer.allocate(4).putShort((short) type).putShort((short) value.length).array());
        out.writeBytes(value);
        out.writeBytes(new byte[(4 - value.length % 4) % 4]);
    }

    private static byte[] sign(String password, byte[] data) {
        try {
            Mac mac = Mac.getInstance("HmacSHA1");
            mac.init(new SecretKeySpec(password.getBytes(StandardCharsets.UTF_8), "HmacSHA1"));
            return mac.doFinal(data);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
