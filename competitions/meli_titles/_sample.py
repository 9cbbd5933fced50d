"""The embedded sample: made-up titles of twelve categories in the challenge's own file format.

Words are drawn from lists, and one title in twenty stands under a wrong category, as unreliable labels do.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

THINGS = {  # category: Spanish and Portuguese names of what is sold, and words that go with it
    "BABY_STROLLERS": (("Cochecito", "Coche De Bebe"), ("Carrinho De Bebê",), ("Plegable", "3 Ruedas", "Reversible")),
    "BACKPACKS": (("Mochila", "Morral"), ("Mochila",), ("Notebook", "Escolar", "Impermeable", "40 Litros")),
    "BICYCLES": (("Bicicleta", "Bici"), ("Bicicleta", "Bike"), ("Rodado 29", "Mtb", "21v", "Freno A Disco")),
    "COFFEE_MAKERS": (("Cafetera", "Maquina De Café"), ("Cafeteira",), ("Expreso", "15 Bar", "Cápsulas")),
    "DOG_FOODS": (("Alimento Perro", "Comida Perros"), ("Ração Cachorro",), ("15 Kg", "Adulto", "Cachorros")),
    "DRILLS": (("Taladro", "Atornillador"), ("Furadeira",), ("Percutor", "13mm", "18v", "Inalámbrico")),
    "GUITARS": (("Guitarra", "Guitarra Criolla"), ("Violão", "Guitarra"), ("Eléctrica", "6 Cuerdas", "Funda")),
    "HEADPHONES": (("Auriculares", "Audífonos"), ("Fone De Ouvido",), ("Bluetooth", "In Ear", "Con Micrófono")),
    "MATTRESSES": (("Colchón", "Sommier"), ("Colchão",), ("2 Plazas", "Resortes", "190x140", "Espuma")),
    "SNEAKERS": (("Zapatillas", "Tenis"), ("Tênis",), ("Running", "Talle 42", "Hombre", "Cuero")),
    "TABLETS": (("Tablet", "Tableta"), ("Tablet",), ("10 Pulgadas", "32gb", "Wifi", "Android")),
    "WRISTWATCHES": (("Reloj", "Reloj Pulsera"), ("Relógio",), ("Sumergible", "Acero", "Cronógrafo", "50m")),
}
REST = ("Nuevo", "Oferta", "Envio Gratis", "Original", "Negro", "Azul", "Garantía 12 Meses", "C/ Factura", "+ Regalo")
BRANDS = ("Kandor", "Lumax", "Ruvia", "Tolket", "Brenta", "Quilmar", "Zendo", "Vartel")


def write(raw: Path) -> None:
    """Write `train.csv` of 900 titles: title, label_quality, language, category."""
    random = np.random.default_rng(0)
    names = [*THINGS]
    with (raw / "train.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("title", "label_quality", "language", "category"))
        for _ in range(900):
            category = names[random.integers(len(names))]
            portuguese, wrong = random.random() < 0.3, random.random() < 0.05
            spanish_names, portuguese_names, words = THINGS[category]
            things = portuguese_names if portuguese else spanish_names
            parts = [
                things[random.integers(len(things))],
                BRANDS[random.integers(len(BRANDS))],
                words[random.integers(len(words))],
                *(REST[at] for at in random.permutation(len(REST))[: random.integers(3)]),
            ]
            title = (", " if random.random() < 0.1 else " ").join(parts)
            if wrong:
                category = names[random.integers(len(names))]
            language = "portuguese" if portuguese else "spanish"
            lines.writerow((title, "unreliable" if wrong else "reliable", language, category))
