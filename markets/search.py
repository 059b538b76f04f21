"""Finding an instrument by code, by name in either language, or by the initial consonants of its Korean name."""

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3
SYLLABLES_PER_INITIAL = 588


def initials(text: str) -> str:
    """Each Korean syllable by its first consonant, anything else as it is: 삼성전자 → ㅅㅅㅈㅈ."""
    return "".join(_initial(character) for character in text)


def _initial(character: str) -> str:
    if FIRST_SYLLABLE <= ord(character) <= LAST_SYLLABLE:
        return INITIALS[(ord(character) - FIRST_SYLLABLE) // SYLLABLES_PER_INITIAL]
    return character


def matches(query: str, symbol: str, name_ko: str, name_en: str) -> bool:
    """Whether `query` is part of the code or of a name, spaces and case aside. An empty query matches everything."""
    wanted = _plain(query)
    korean = _plain(name_ko)
    found = wanted in _plain(symbol) or wanted in korean or wanted in _plain(name_en)
    return found or (any(c in INITIALS for c in wanted) and wanted in initials(korean))


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
