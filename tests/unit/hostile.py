"""What a hostile guest might print, by what it tries; each of some hundred kilobytes."""

from __future__ import annotations

from collections.abc import Callable

E = b"\x1b"
SIZE = 200_000


def filled(piece: bytes, size: int = SIZE) -> bytes:
    """The piece over and over, ``size`` bytes of it."""
    return (piece * (size // len(piece) + 1))[:size]


def each(make: Callable[[int], bytes], count: int) -> bytes:
    """What ``make`` gives for the first numbers."""
    return b"".join(make(n) for n in range(count))


HOSTILE: dict[str, bytes] = {
    # parameters
    "huge parameter": E + b"[" + b"9" * SIZE + b"m",
    "many parameters": E + b"[" + b"1;" * (SIZE // 2) + b"m",
    "many sub-parameters": E + b"[" + b"4:" * (SIZE // 2) + b"m",
    "many modes": E + b"[?" + b"1049;" * (SIZE // 5) + b"h",
    "empty parameters": E + b"[" + b";" * SIZE + b"H",
    "largest cursor moves": filled(b"".join(E + b"[2147483647" + b"%c" % c for c in b"ABCDEFGHId")),
    "largest edits": filled(b"".join(E + b"[4294967295" + b"%c" % c for c in b"@PXLMST")),
    "largest repeat": filled(b"x" + E + b"[2147483647b", 20_000),
    "largest scroll": filled(E + b"[65535S" + E + b"[65535T", 40_000),
    "largest tabs": filled(E + b"[65535I" + E + b"[65535Z" + E + b"H" + E + b"[3g"),
    "negative parameters": filled(E + b"[-1;-5H" + E + b"[-9m"),
    "margins upside down": filled(E + b"[20;2r" + E + b"[0;0r" + E + b"[9999;99999r\r\n"),
    "left and right margins": filled(E + b"[?69h" + E + b"[30;2s" + E + b"[5;6sx\r\n"),
    "a stuck mode": E + b"[?45h" + E + b"[2147483647D" * 2000,
    "rectangles": filled(E + b"[1;1;9999;9999$x" + E + b"[65;1;1;99;99$x" + E + b"[1;1;9;9${"),
    # endless
    "endless OSC": E + b"]0;" + b"x" * SIZE,
    "endless OSC with no number": E + b"]" + b"x" * SIZE,
    "endless DCS": E + b"P" + b"x" * SIZE,
    "endless DCS parameters": E + b"P" + b"1;" * (SIZE // 2) + b"q",
    "endless APC": E + b"_G" + b"x" * SIZE,
    "endless PM": E + b"^" + b"x" * SIZE,
    "endless SOS": E + b"X" + b"x" * SIZE,
    "endless CSI": E + b"[" + b"1" * SIZE,
    "endless intermediates": E + b"[" + b" " * SIZE + b"q",
    "endless escapes": E * SIZE,
    "unfinished starts": filled(E + b"]0;" + E + b"P" + E + b"_" + E + b"[" + E),
    # what terminals were made to do
    "OSC 52 write": E + b"]52;c;ZXZpbA==\x07" + filled(E + b"]52;c;ZXZpbA==" + E + b"\\"),
    "OSC 52 read": filled(E + b"]52;c;?\x07"),
    "title and its report": filled(E + b"]2;rm -rf /\r\x07" + E + b"[21t" + E + b"[20t", 20_000),
    "title stack": filled(E + b"[22;0t" + E + b"]2;x\x07") + E + b"[23;0t" * 1000,
    "long title": E + b"]2;" + b"t" * SIZE + b"\x07",
    "window operations": filled(b"".join(E + b"[%d;5;5t" % n for n in range(1, 25))),
    "DECRQSS": filled(E + b"P$qm" + E + b"\\" + E + b'P$q"p' + E + b"\\", 40_000),
    "XTGETTCAP": filled(E + b"P+q544e;6b62" + E + b"\\", 40_000),
    "answerback": filled(b"\x05", 40_000),
    "user-defined keys": filled(E + b"P0;0|17/726d0d" + E + b"\\"),
    "macros": E + b"P1;0;0!z" + b"6c730d" * 5000 + E + b"\\" + E + b"[1*z" * 500,
    "kitty image": E + b"_Ga=T,f=24,s=9999,v=9999;" + b"AAAA" * (SIZE // 4) + E + b"\\",
    "kitty image from a file": filled(E + b"_Ga=T,t=f;L2V0Yy9wYXNzd2Q=" + E + b"\\"),
    "sixel": E + b"Pq" + b'"1;1;9999;9999#0;2;0;0;0' + b"!9999~-" * (SIZE // 7) + E + b"\\",
    "iTerm file": E + b"]1337;File=inline=1:" + b"AAAA" * (SIZE // 4) + b"\x07",
    "iTerm commands": filled(E + b"]1337;CopyToClipboard=\x07" + E + b"]1337;StealFocus\x07"),
    "notifications": filled(E + b"]9;boo\x07" + E + b"]777;notify;a;b\x07" + E + b"]99;;x\x07"),
    "links": each(lambda n: E + b"]8;;file:///%d\x07x" % n, 8000),
    "palette": each(lambda n: E + b"]4;%d;#ffffff\x07" % (n % 400), 8000),
    "colour queries": filled(E + b"]4;1;?\x07" + E + b"]10;?\x07" + E + b"]11;?\x07", 40_000),
    "mouse and focus modes": filled(b"".join(E + b"[?%dh" % n for n in range(1000, 1017))),
    "printer": filled(E + b"[5i" + b"secret\r\n" + E + b"[4i" + E + b"[?5i"),
    "status line": filled(E + b"[1$}" + b"nowhere\r\n"),
    "load keys": filled(E + b"[>4;2m" + E + b"[>31u" + E + b"[=31;1u"),
    # amounts
    "combining marks": b"e" + "\u0301\u0308".encode() * (SIZE // 4),
    "joined emoji": "👩\u200d".encode() * (SIZE // 7),
    "one long line": b"x" * (SIZE * 5),
    "colours": each(lambda n: E + b"[38;2;%d;%d;%dm." % (n & 255, n >> 8 & 255, n % 99), 10_000),
    "reply flood": filled(E + b"[6n" + E + b"[c" + E + b"[>c" + E + b"[?2004$p", 100_000),
    "line feeds": b"\n" * SIZE,
    "bells": b"\x07" * SIZE,
    "NULs": b"\x00" * SIZE,
    "screens": filled(E + b"[?1049h" + E + b"[?1049l", 100_000),
    "resets": filled(b"x" + E + b"c", 20_000),
    "alignment tests": filled(E + b"#8", 20_000),
    "erasures": filled(E + b"[2J" + E + b"[3J", 100_000),
    # encodings
    "every byte": bytes(range(256)) * 800,
    "broken UTF-8": filled(b"\xff\xc3(\xe4\xb8\xf0\x9f\x98\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80"),
    "C1 as UTF-8": filled("\x9b31mX\x9d0;t\x07\x90q\x9c\x85\x8d\x84".encode()),
    "C1 as bytes": filled(b"\x9b31mX\x9d0;t\x07\x90q\x9c\x85\x8d\x84"),
    "bidi and separators": filled("a\u202eb\u2066c\u2028\u200be\ufefff\u00adg\U000e0041".encode()),
    "wide characters at the edge": filled(E + b"[1;40H" + "中\x08國\x1b[P\x1b[@".encode()),
    "private use and unassigned": "".join(map(chr, range(0xE000, 0xF8FF, 3))).encode() * 8,
    "arrows of ours": filled("⏎\\u{1b}[31m\"\\n⏎\r\n".encode()),
}  # fmt: skip
"""By what it tries."""
