// Test double part: a conference request that is answered with an XMPP error.
package anteroom.doubles;

final class Refused extends RuntimeException {
    final String type;
    final String condition;
    final String extra;

    Refused(String type, String condition, String text, String extra) {
        super(text);
        this.type = type;
        this.condition = condition;
        this.extra = extra;
    }
}
