"""Which language it is: one of three, or silence."""

import pytest

from streams.reading.published import NEWEST, reader
from streams.reading.topics import TOPICS_OF
from tests.pure.reading.labelled import LANGUAGES, sentences


def language_of(text: str, claimed: str | None = None) -> str:
    return reader(NEWEST).explain(text, "PHYSICAL", claimed).language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_hardly_ever_taken_for_another_language(language: str) -> None:
    every = [one.text for pack in TOPICS_OF for one in sentences(language, pack)]
    taken = [text for text in every if language_of(text) not in (language, "")]
    assert len(taken) <= 0.01 * len(every), taken


@pytest.mark.parametrize(
    "text",
    [
        "La livraison a été très rapide et le produit est de bonne qualité",
        "Colis jamais reçu, je suis très déçu du service client",
        "Das Paket kam viel zu spät und die Ware war kaputt",
        "Sehr gute Qualität, schnelle Lieferung, gerne wieder",
        "La spedizione è stata lenta e il prodotto è arrivato rotto",
        "Ottimo prodotto, consegna veloce, consigliato",
        "Het pakket kwam te laat en de kwaliteit is slecht",
        "El producte va arribar tard i la qualitat és molt dolenta",
        "Produsul a ajuns foarte repede și este de calitate",
        "Bardzo dobra jakość, szybka dostawa, polecam",
        "Mycket bra kvalitet och snabb leverans",
        "Ürün çok güzel, hızlı kargo için teşekkürler",
        "Доставка быстрая, качество отличное",
        "商品很好，物流很快",
        "お届けが早くて助かりました",
        "12345 ;-)",
        "",
        "asdf qwer zxcv",
    ],
)
def test_other_languages_are_not_read(text: str) -> None:
    for offering in ("PHYSICAL", "SERVICE"):
        assert reader(NEWEST).read(text, offering) == ()
        assert reader(NEWEST).read(text, offering, "de") == ()


@pytest.mark.parametrize(
    ("tag", "language"), [("es", "es"), ("es-MX", "es"), ("ES_es", "es"), ("pt-BR", ""), ("fr", ""), (None, "es")]
)
def test_a_tag_is_believed_unless_the_words_say_otherwise(tag: str | None, language: str) -> None:
    text = "El paquete llegó roto y nadie me contesta, no vuelvo a comprar en esta tienda"
    assert language_of(text, tag) == language


@pytest.mark.parametrize("text", ["ok", "Excelente", "Recomendado", "Super"])
def test_a_word_of_two_languages_is_read_in_the_one_that_is_claimed(text: str) -> None:
    assert language_of(text, "es") == "es"
    assert language_of(text, "pt") == "pt"
