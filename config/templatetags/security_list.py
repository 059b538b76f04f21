"""The seven points of security (A18) for the front page of the admin."""

from django import template

from config.security import Tick, security_ticks

register = template.Library()


@register.simple_tag
def security_list() -> list[Tick]:
    return security_ticks()
