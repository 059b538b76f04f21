"""How the whole installation is, for the front page of the admin (M02, A18)."""

from django import template
from django.utils import timezone

from config.operations import Operations, look

register = template.Library()


@register.simple_tag
def operations_look() -> Operations:
    return look(timezone.now())
