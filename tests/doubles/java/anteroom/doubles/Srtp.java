// Test double part: SRTP of one direction (RFC 3711, RFC 7714).
// Real: key derivation, AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80.
// Not:  rollover counters (a test's call never comes so far), replay windows, SRTCP.
package anteroom.doubles;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

final class Srtp {
    static final int AEAD = 7;
    static final int SHA1 = 1;

    private final boolean aead;
    private final byte[] key;
    private final byte[] salt;
    private final byte[] tag;

    Srtp(int profile, byte[] master, byte[] masterSalt) throws GeneralSecurityException {
        aead = profile == AEAD;
        key = derive(master, masterSalt, 0, 16);
        tag = derive(master, masterSalt, 1, 20);
        salt = derive(master, masterSalt, 2, masterSalt.length);
    }

    /** Bytes of a master salt. */
    static int saltSize(int profile) {
        return profile == AEAD ? 12 : 14;
    }

    private static byte[] derive(byte[] master, byte[] salt, int label, int size) throws GeneralSecurityException {
        byte[] iv = Arrays.copyOf(salt, 16);
        iv[7] ^= (byte) label;
        return counter(master, iv, new byte[size]);
    }

    private static byte[] counter(byte[] key, byte[] iv, byte[] data) throws GeneralSecurityException {
        Cipher c = Cipher.getInstance("AES/CTR/NoPadding");
        c.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(iv));
        return c.doFinal(data);
    }

    /** A packet, protected; null where it is no RTP. */
    byte[] seal(byte[] packet) throws GeneralSecurityException {
        int head = header(packet);
        if (head < 0) return null;
        byte[] payload = Arrays.copyOfRange(packet, head, packet.length);
        if (aead) return join(Arrays.copyOf(packet, head), gcm(Cipher.ENCRYPT_MODE, packet, head, payload));
        byte[] covered = join(Arrays.copyOf(packet, head), counter(key, counterIv(packet), payload));
        return join(covered, Arrays.copyOf(sign(covered), 10));
    }

    /** The packet in the clear; null where it does not prove itself. */
    byte[] open(byte[] packet) {
        int head = header(packet);
        int end = packet.length - (aead ? 16 : 10);
        if (head < 0 || end < head) return null;
        try {
            byte[] header = Arrays.copyOf(packet, head);
            if (aead) return join(header, gcm(Cipher.DECRYPT_MODE, packet, head, Arrays.copyOfRange(packet, head, packet.length)));
            byte[] covered = Arrays.copyOf(packet, end);
            byte[] shown = Arrays.copyOfRange(packet, end, packet.length);
            if (!MessageDigest.isEqual(Arrays.copyOf(sign(covered), 10), shown)) return null;
            return join(header, counter(key, counterIv(packet), Arrays.copyOfRange(packet, head, end)));
        } catch (GeneralSecurityException e) {
            return null;
        }
    }

    private byte[] gcm(int mode, byte[] packet, int head, byte[] data) throws GeneralSecurityException {
        ByteBuffer iv = ByteBuffer.allocate(12);
        iv.put(2, packet, 8, 4).put(10, packet, 2, 2);
        byte[] b = iv.array();
        for (int i = 0; i < b.length; i++) b[i] ^= salt[i];
        Cipher c = Cipher.getInstance("AES/GCM/NoPadding");
        c.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, b));
        c.updateAAD(packet, 0, head);
        return c.doFinal(data);
    }

    private byte[] counterIv(byte[] packet) {
        byte[] iv = ByteBuffer.allocate(16).put(4, packet, 8, 4).put(12, packet, 2, 2).array();
        for (int i = 0; i < salt.length; i++) iv[i] ^= salt[i];
        return iv;
    }

    private byte[] sign(byte[] covered) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(tag, "HmacSHA1"));
        mac.update(covered);
        return mac.doFinal(new byte[4]);
    }

    private static int header(byte[] p) {
        if (p.length < 12 || (p[0] & 0xc0) != 0x80) return -1;
        int size = 12 + 4 * (p[0] & 0x0f);
        if ((p[0] & 0x10) != 0) {
            if (p.length < size + 4) return -1;
            size += 4 + 4 * (ByteBuffer.wrap(p).getShort(size + 2) & 0xffff);
        }
        return size <= p.length ? size : -1;
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }
}
