"""Numbers and numerals: recomputed."""

from __future__ import annotations

import math
import re
import string

ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
SIDES = ["penta", "hexa", "hepta", "octa", "nona", "deca"]


def _roman(number: int) -> str:
    text = ""
    for value, letters in ROMAN:
        while number >= value:
            text, number = text + letters, number - value
    return text


def _primes(below: int) -> list[int]:
    return [n for n in range(2, below) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def test_roman_numerals(pairs):
    checked = 0
    for pair in pairs("facts/language.yaml"):
        if found := re.fullmatch(r"The Roman numeral ([IVXLCDM]+) is (\d+)\.", pair.answer):
            assert _roman(int(found[2])) == found[1], pair
            checked += 1
    assert checked >= 18


def test_roman_letters_in_one_breath(answers):
    said = answers("facts/language.yaml")["How do Roman numerals work"]
    for value, letter in ROMAN:
        if len(letter) == 1:
            assert f"{letter} is {value}" in said


def test_spelling_alphabet(answers):
    said = answers("facts/language.yaml")
    words = said["What is the NATO alphabet"].rstrip(".").split(", ")
    assert [word[0] for word in words] == list(string.ascii_uppercase)
    for letter, word in zip(string.ascii_uppercase, words, strict=True):
        assert said[f"What is the code word for the letter {letter}"].endswith(f"is {word}.")


def test_greek_letters(answers):
    said = answers("facts/language.yaml")["What are the letters of the Greek alphabet"]
    letters = re.findall(r"[a-z]+", said.partition(" are ")[2].replace(" and ", " "))
    assert len(set(letters)) == len(letters) == int(re.search(r"\d+", said)[0]) == 24


def test_constants(answers):
    said = answers("facts/maths.yaml")
    for question, value, digits in (
        ("What is pi", math.pi, 5),
        ("What is Euler's number", math.e, 5),
        ("What is the golden ratio", (1 + math.sqrt(5)) / 2, 3),
        ("What is the square root of two", math.sqrt(2), 5),
        ("What is the square root of three", math.sqrt(3), 5),
        ("How many degrees is a radian", math.degrees(1), 1),
    ):
        assert f"{value:.{digits}f}" in said[question], question


def test_primes_squares_cubes_powers(answers):
    said = answers("facts/maths.yaml")
    assert _numbers(said["Which prime numbers are below 30"])[1:] == _primes(30)
    assert str(len(_primes(100))) in said["How many prime numbers are below one hundred"]
    assert _numbers(said["What are the square numbers"]) == [n * n for n in range(1, 11)]
    assert _numbers(said["What are the first cube numbers"]) == [n**3 for n in range(1, 6)]
    assert _numbers(said["What are the powers of two"]) == [2**n for n in range(11)]
    assert str(2**10) in said["What is two to the power of ten"]
    assert str(sum(range(101))) in said["What is the sum of the numbers from 1 to 100"]
    assert str(math.factorial(5)) in said["What is five factorial"]
    assert str(math.factorial(10)) in said["What is ten factorial"]


def test_fibonacci(answers):
    numbers = _numbers(answers("facts/maths.yaml")["What is the Fibonacci sequence"])
    assert numbers[:2] == [1, 1] and len(numbers) == 10
    assert all(a + b == c for a, b, c in zip(numbers, numbers[1:], numbers[2:], strict=False))


def test_polygons(answers):
    said = answers("facts/maths.yaml")
    for sides, name in enumerate(SIDES, start=5):
        assert said[
            f"How many sides does a{'n' if name == 'octa' else ''} {name}gon have"
        ].endswith(f" {sides} sides.")
    assert "540" in said["How many degrees are in a pentagon"] and (5 - 2) * 180 == 540


def test_dice_and_cards(answers):
    games, maths = answers("facts/sports.yaml"), answers("facts/maths.yaml")
    sums = [a + b for a in range(1, 7) for b in range(1, 7)]
    assert max(set(sums), key=sums.count) == 7 and sums.count(7) * 6 == len(sums)
    assert "one in six" in maths["What is the most likely sum of two dice"]
    assert str(sum(range(1, 7))) in games["How many dots are on a dice"]
    assert str(7 * 8 // 2) in games["How many dominoes are in a set"]


def test_words_that_read_backwards_or_mix_their_letters(answers):
    said = answers("facts/language.yaml")
    word = re.search(r"such as (\w+)", said["What is a palindrome"])[1]
    assert word == word[::-1]
    one, other = re.search(r"such as (\w+) and (\w+)", said["What is an anagram"]).groups()
    assert one != other and sorted(one) == sorted(other)
