"""What a browser says of itself, in two words people know: `Chrome · Windows`. Pure."""

# The first that is found counts: every browser also claims to be the ones below it.
BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("NAVER(", "NAVER"),
    ("KAKAOTALK", "KakaoTalk"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LONGEST = 120


def device_name(user_agent: str) -> str:
    """Browser and system where they are known, else the text itself, made fit for one line."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    known = " · ".join(filter(None, [browser, system]))
    return known or "".join(letter for letter in user_agent if letter.isprintable()).strip()[:LONGEST]
