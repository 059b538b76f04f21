"""Broker accounts: opening and connecting them, their money, holdings and play money (P01–P04, P09, B07–B08)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText, Secret, Strict, Text
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation, require_step_up
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models.fields import exact
from trading import ledger, services
from trading.api.own import own_account
from trading.api.rows import select
from trading.models import Journal, Posting
from trading.services.running import account_keys
from trading.services.running.account_keys import TypedKey
from trading.services.valuation.accounts import Portfolio, PositionView

COLUMNS = ("id", "name", "broker", "environment", "currency", "is_active", "created_at")
ENVIRONMENTS = [each.value for each in Environment]


class AccountAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    broker = serializers.CharField()
    environment = serializers.ChoiceField(choices=ENVIRONMENTS, help_text="`live` moves real money.")
    currency = serializers.CharField()
    is_active = serializers.BooleanField(help_text="Out of use until its key has worked once.")
    created_at = serializers.DateTimeField()


class AccountsAnswer(Answer):
    results = AccountAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class VirtualBody(Strict):
    """A virtual account with play money in it."""

    name = Text(max_length=64)
    opening_balance = NumberText()
    currency = serializers.ChoiceField(choices=sorted(ledger.CASH_DECIMALS), default="KRW")


class KisBody(Strict):
    """An account at Korea Investment. The keys are sealed and never shown again."""

    name = Text(max_length=64)
    environment = serializers.ChoiceField(choices=["paper", "live"])
    account_number = Secret(max_length=16, help_text="Ten digits, with or without a dash.")
    api_key = Secret(max_length=128)
    secret_key = Secret(max_length=512)
    hts_id = Secret(max_length=32, required=False, default="", allow_blank=True)
    expires_on = serializers.DateField(required=False)


class KeyAnswer(Answer):
    broker_account = serializers.UUIDField()
    key = serializers.CharField(help_text="Its last four characters.")
    account_number = serializers.CharField(help_text="Masked.")
    state = serializers.ChoiceField(choices=["works", "failed", "unchecked", "off", "removed"])
    failure = serializers.CharField(help_text="A code; empty where the last check worked.")
    checked_at = serializers.DateTimeField(allow_null=True)
    expires_on = serializers.DateField(allow_null=True)
    permissions = serializers.DictField()


class BalanceAnswer(Answer):
    """In the account's own currency, exact. Holdings in other currencies are listed, never added at a guessed rate."""

    broker_account = serializers.UUIDField()
    currency = serializers.CharField()
    total_value = NumberText()
    cash_available = NumberText()
    cash_reserved = NumberText(help_text="Set aside for open orders.")
    withdrawable = NumberText()
    positions_value = NumberText()
    deposited = NumberText()
    realised = NumberText(help_text="After fees and taxes.")
    unrealised = NumberText()
    profit = NumberText()


class PositionAnswer(Answer):
    broker_account = serializers.UUIDField()
    instrument = serializers.CharField()
    currency = serializers.CharField()
    quantity = NumberText()
    reserved = NumberText(help_text="Of it, set aside for open sales.")
    cost = NumberText()
    average_cost = NumberText()
    price = NumberText(allow_null=True, help_text="The last; null while there is none.")
    value = NumberText(allow_null=True)
    unrealised = NumberText(allow_null=True)


class PositionsAnswer(Answer):
    results = PositionAnswer(many=True)


class AmountBody(Strict):
    amount = NumberText()


class ResetBody(Strict):
    opening_balance = NumberText()


class BookedAnswer(Answer):
    id = serializers.IntegerField()
    broker_account = serializers.UUIDField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(help_text="Market time.")


class TransferAnswer(BookedAnswer):
    amount = NumberText()
    currency = serializers.CharField()


class TransfersAnswer(Answer):
    results = TransferAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class Accounts(ApiView):
    @operation("The person's accounts", query=PageQuery, answer=AccountsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(BrokerAccount.objects.for_user(request.user).values(*COLUMNS), self.query, dict))

    @operation("Open a virtual account", body=VirtualBody, answer=AccountAnswer, status=201, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        account = services.open_virtual_account(
            request.user, asked["name"], asked["opening_balance"], asked["currency"], key=self.key
        )
        return Response(
            account_row(account), status=201, headers={"Location": f"/api/v1/broker-accounts/{account.pk}/"}
        )


class Register(ApiView):
    @operation(
        "Connect an account at Korea Investment",
        body=KisBody,
        answer=KeyAnswer,
        status=201,
        steps_up=True,
        description="Kept sealed, and out of use until `verify` has worked.",
    )
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        row = account_keys.register_kis(
            request.user, asked["name"], Environment(asked["environment"]), typed_key(asked)
        )
        return Response(key_row(row.account), status=201)


class OneAccount(ApiView):
    @operation("One account", answer=AccountAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        return Response(account_row(own_account(request.user, account_id)))


class AccountKey(ApiView):
    """What a person may see of a key: never a part of it beyond its last four characters (G17)."""

    @operation("The account's key", answer=KeyAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        return Response(key_row(own_account(request.user, account_id)))

    @operation("Take the key away; the books stay", status=204, steps_up=True, errors=(422,))
    def delete(self, request: ApiRequest, account_id: UUID) -> Response:
        account_keys.remove_key(request.user, account_id)
        return Response(status=204)


class Verify(ApiView):
    @operation(
        "Ask the broker what the key can do",
        answer=KeyAnswer,
        errors=(422,),
        description="The first check that works puts the account to use.",
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        if account.environment == Environment.LIVE:
            require_step_up(request)
        return Response(key_row(account_keys.check_key(request.user, account.pk).account))


class Balance(ApiView):
    @operation("Cash, value and profit", answer=BalanceAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        return Response(balance_row(services.portfolio(own_account(request.user, account_id))))


class Positions(ApiView):
    @operation("Holdings at their last prices", answer=PositionsAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        return Response({"results": position_rows([services.portfolio(own_account(request.user, account_id))])})


class Deposit(ApiView):
    @operation("Put play money in", body=AmountBody, answer=BookedAnswer, status=201, idempotent=True)
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        return _booked(services.pay_in(request.user, account, self.asked["amount"], self.key))


class Withdraw(ApiView):
    @operation("Take play money out", body=AmountBody, answer=BookedAnswer, status=201, idempotent=True)
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        return _booked(services.pay_out(request.user, account, self.asked["amount"], self.key))


class Reset(ApiView):
    @operation(
        "Begin a virtual account anew",
        body=ResetBody,
        answer=BookedAnswer,
        status=201,
        idempotent=True,
        description="Open orders are withdrawn, everything is booked out, and the opening balance in.",
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        return _booked(services.reset_account(request.user, account, self.asked["opening_balance"], self.key))


class Deposits(ApiView):
    @operation("Deposits and withdrawals of all accounts, newest first", query=PageQuery, answer=TransfersAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(_transfers(request), self.query, _transfer_row, by=("id", "id")))


def account_row(account: BrokerAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in COLUMNS}


def typed_key(asked: dict[str, Any]) -> TypedKey:
    return TypedKey(
        app_key=asked["api_key"],
        app_secret=asked["secret_key"],
        account_number=asked["account_number"],
        hts_id=asked.get("hts_id", ""),
        expires_on=asked.get("expires_on"),
    )


def key_row(account: BrokerAccount) -> dict[str, Any]:
    """Raises BrokerAccount.DoesNotExist for an account without a key: there is nothing at that address."""
    card = account_keys.key_card(account)
    if card is None:
        raise BrokerAccount.DoesNotExist
    row = card.credential
    return {
        "broker_account": account.pk,
        "key": f"****{row.key_hint}",
        "account_number": row.account_hint,
        "state": card.state,
        "failure": row.failure,
        "checked_at": row.checked_at,
        "expires_on": row.expires_on,
        "permissions": row.permissions,
    }


def balance_row(portfolio: Portfolio) -> dict[str, Any]:
    names = [name for name in BalanceAnswer.names() if name != "broker_account"]
    return {"broker_account": portfolio.account.pk} | {name: getattr(portfolio, name) for name in names}


def position_rows(portfolios: list[Portfolio]) -> list[dict[str, Any]]:
    return [_position(each.account, position) for each in portfolios for position in each.positions]


def _position(account: BrokerAccount, position: PositionView) -> dict[str, Any]:
    return {
        "broker_account": account.pk,
        "instrument": position.instrument.key,
        "currency": position.instrument.currency,
        "quantity": position.quantity,
        "reserved": position.reserved,
        "cost": position.cost,
        "average_cost": exact(round(position.average_cost, 8)),
        "price": position.price,
        "value": position.value,
        "unrealised": position.unrealised,
    }


def _booked(journal: Journal) -> Response:
    row = {"id": journal.pk, "broker_account": journal.broker_account_id, "kind": journal.kind, "at": journal.at}
    return Response(row, status=201)


def _transfers(request: ApiRequest) -> QuerySet[Any]:
    postings = Posting.objects.filter(
        journal__broker_account__user=request.user, journal__kind__in=["deposit", "withdrawal"], bucket=ledger.AVAILABLE
    )
    plain = ("id", "journal_id", "journal__broker_account_id", "journal__kind", "journal__at", "asset")
    return select(postings, plain, ("amount",))


def _transfer_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["journal_id"],
        "broker_account": row["journal__broker_account_id"],
        "kind": row["journal__kind"],
        "at": row["journal__at"],
        "amount": row["amount_text"],
        "currency": row["asset"],
    }
