"""The form of a bar file."""

from django import forms
from django.utils.translation import gettext_lazy as _

from trading.forms import INTERVALS
from trading.forms.fields import InstrumentField

ZONES = [("Asia/Seoul", _("한국 시각")), ("UTC", "UTC"), ("America/New_York", _("뉴욕 시각"))]


class UploadForm(forms.Form):
    """A file, and by which instrument's rules its bars are traded."""

    file = forms.FileField(
        label=_("봉 파일 (CSV)"), widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"})
    )
    instrument = InstrumentField(
        label=_("이 종목의 규칙으로 거래"),
        help_text=_("호가 단위, 매매 단위, 수수료와 세금, 장 시간을 이 종목에서 가져옵니다."),
    )
    interval = forms.ChoiceField(
        label=_("간격"), required=False, choices=[("", _("파일에서 알아내기")), *INTERVALS.items()]
    )
    zone = forms.ChoiceField(label=_("시간대가 없는 시각은"), choices=ZONES)

    def blame(self, sentence: str, field: str = "file") -> None:
        self.add_error(field, sentence)
