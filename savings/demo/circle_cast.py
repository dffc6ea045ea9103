"""The circles of the demo and their members. Amounts are in naira; days count from today."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Member:
    """A member of a circle, with their nickname and the naira they pay in."""

    email: str
    nickname: str
    amounts: tuple[int, ...]
    hides_amount: bool = False


@dataclasses.dataclass(frozen=True)
class CircleScript:
    """The script of one circle. Its first member starts it."""

    name: str
    description: str
    goal: int
    began_days_ago: int
    days_left: int
    members: tuple[Member, ...]
    is_open: bool = False
    product: str = "Flexible"


def _guest(name: str, *amounts: int, hides_amount: bool = False) -> Member:
    email = f"{name.lower().replace(' ', '.')}@example.com"
    return Member(email, name, amounts, hides_amount=hides_amount)


CIRCLES = (
    CircleScript(
        name="December in Enugu",
        description="Bus, rice and fireworks for everybody from Coal Camp.",
        goal=6_000_000,
        began_days_ago=75,
        days_left=24,
        members=(
            Member("ada@example.com", "Ada Okafor", (80_000, 65_000, 40_000, 25_000)),
            Member("bola@example.com", "Bola Adeyemi", (150_000, 150_000, 85_000)),
            Member("chidi@example.com", "Chidi Eze", (200_000, 162_500)),
            _guest("Ngozi Eze", 220_000, 120_000, 80_000),
            _guest("Musa Ibrahim", 185_000, 200_000),
            _guest("Landlord", 150_000, 100_000, 86_000, hides_amount=True),
            _guest("Halima Sani", 180_000, 150_000),
            _guest("Emeka Obi", 112_000, 200_000),
            _guest("Tolu Bakare", 90_000, 100_000, 100_000),
            _guest("Yetunde Alabi", 154_000, 100_000),
            _guest("Ifeoma Udeh", 121_500, 100_000),
            _guest("Sadiq Bello", 104_000, 100_000),
            _guest("Kemi Ojo", 90_000, 90_000),
            _guest("Efe Omoregie", 100_000, 80_000),
            _guest("Amaka Nnadi", 70_000, 85_500),
            _guest("Segun Alao", 140_000),
            _guest("Zainab Musa", 60_000, 62_000, hides_amount=True),
            _guest("Uche Okeke", 50_000, 50_000),
            _guest("Grace Effiong", 45_000, 40_000),
            _guest("Femi Ade", 75_000),
            _guest("Hauwa Garba", 60_000),
            _guest("Obinna Ani", 30_000, 20_000),
            _guest("Bisi Cole", 35_000),
            _guest("Peter Dung"),
        ),
    ),
    CircleScript(
        name="Lagos runners",
        description="Shoes and a coach for the marathon in February.",
        goal=900_000,
        began_days_ago=40,
        days_left=75,
        is_open=True,
        members=(
            Member("chidi@example.com", "Chidi", (60_000, 45_000)),
            Member("bola@example.com", "Bola", (30_000,)),
            _guest("Tolu Bakare", 55_000),
            _guest("Grace Effiong", 40_000, 25_000),
            _guest("Segun Alao", 30_000),
        ),
    ),
    CircleScript(
        name="Compound generator",
        description="A quiet one, for all four flats.",
        goal=1_200_000,
        began_days_ago=100,
        days_left=-9,
        product="Locked",
        members=(
            Member("bola@example.com", "Bola", (60_000, 70_000, 60_000)),
            Member("ada@example.com", "Ada", (90_000, 120_000, 75_000)),
            _guest("Landlord", 100_000, 100_000, hides_amount=True),
            _guest("Kemi Ojo", 40_000, 80_000, 70_000),
            _guest("Musa Ibrahim", 80_000, 65_000),
        ),
    ),
)
