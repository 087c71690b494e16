// The pen strokes behind data/digits.h: how people write each digit. Internal, constant data.
//
// Coordinates are in a box of width and height 1, y downwards. A stroke runs through its knots as a smooth curve; a corner breaks
// the curve, a lift ends the stroke.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace gradus::data::digits {

enum class Knot : uint8_t { smooth, corner, lift };

struct Point {
  float x, y;
  Knot knot = Knot::smooth;
};

namespace strokes {

inline constexpr Knot c = Knot::corner, up = Knot::lift;

inline constexpr Point kZeroRound[]{{.55f, 0},    {.2f, .12f}, {.03f, .5f},  {.2f, .9f},      {.5f, 1},
                                    {.83f, .88f}, {.97f, .5f}, {.82f, .12f}, {.52f, .01f, up}};
inline constexpr Point kZeroLoop[]{{.72f, .08f}, {.4f, .02f},  {.1f, .3f},   {.05f, .68f}, {.3f, .98f},
                                   {.68f, .92f}, {.92f, .55f}, {.85f, .18f}, {.55f, .03f}, {.3f, .12f, up}};
inline constexpr Point kZeroOpen[]{{.45f, .03f}, {.12f, .25f}, {.06f, .7f}, {.4f, 1},
                                   {.8f, .8f},   {.93f, .35f}, {.7f, .02f}, {.58f, .05f, up}};

inline constexpr Point kOneBar[]{{.52f, 0}, {.5f, .35f}, {.5f, .7f}, {.48f, 1, up}};
inline constexpr Point kOneFlag[]{{.3f, .22f}, {.55f, 0, c}, {.54f, .5f}, {.52f, 1, up}};
inline constexpr Point kOneSerif[]{{.32f, .2f},  {.52f, .02f, c}, {.52f, .5f},     {.5f, .97f, up},
                                   {.25f, .98f}, {.5f, .97f},     {.78f, .97f, up}};
inline constexpr Point kOneBent[]{{.56f, 0}, {.5f, .3f}, {.46f, .65f}, {.5f, 1, up}};

inline constexpr Point kTwoPlain[]{{.08f, .25f}, {.25f, .05f},    {.55f, 0},   {.82f, .18f},    {.78f, .42f},
                                   {.45f, .72f}, {.06f, .98f, c}, {.5f, .96f}, {.95f, .97f, up}};
inline constexpr Point kTwoLoop[]{{.1f, .2f},  {.4f, 0},     {.75f, .1f}, {.8f, .4f}, {.5f, .75f},
                                  {.2f, .97f}, {.05f, .88f}, {.2f, .75f}, {.5f, .9f}, {.95f, .96f, up}};
inline constexpr Point kTwoSwan[]{{.15f, .18f}, {.4f, .02f}, {.72f, .12f}, {.72f, .4f},    {.42f, .72f},
                                  {.1f, .93f},  {.3f, .87f}, {.62f, .98f}, {.95f, .9f, up}};
inline constexpr Point kTwoFlat[]{{.05f, .1f}, {.4f, .03f}, {.8f, .1f}, {.75f, .4f}, {.3f, .8f}, {.1f, 1, c}, {.9f, .9f, up}};

inline constexpr Point kThreeRound[]{{.12f, .12f}, {.42f, 0},    {.78f, .13f}, {.75f, .37f},   {.4f, .48f, c},
                                     {.75f, .56f}, {.92f, .78f}, {.6f, .99f},  {.08f, .9f, up}};
inline constexpr Point kThreeFlat[]{{.1f, .04f}, {.85f, .02f, c}, {.62f, .22f}, {.42f, .42f, c},
                                    {.75f, .5f}, {.9f, .75f},     {.6f, .98f},  {.1f, .92f, up}};
inline constexpr Point kThreeLoop[]{{.1f, .15f},  {.5f, 0},    {.82f, .2f}, {.6f, .43f}, {.35f, .5f},
                                    {.45f, .42f}, {.85f, .6f}, {.8f, .9f},  {.4f, 1},    {.05f, .85f, up}};
inline constexpr Point kThreeNarrow[]{{.25f, .1f}, {.55f, .0f}, {.75f, .2f}, {.45f, .45f, c},
                                      {.7f, .58f}, {.7f, .85f}, {.3f, 1, up}};

inline constexpr Point kFourOpen[]{{.12f, .02f},    {.06f, .3f}, {.08f, .55f, c}, {.5f, .56f},
                                   {.92f, .5f, up}, {.8f, .02f}, {.77f, .5f},     {.72f, 1, up}};
inline constexpr Point kFourClosed[]{{.68f, 0},        {.35f, .35f}, {.03f, .66f, c}, {.5f, .66f},
                                     {.97f, .64f, up}, {.68f, 0},    {.68f, .5f},     {.67f, 1, up}};
inline constexpr Point kFourRound[]{{.15f, .0f},  {.08f, .25f},    {.18f, .5f}, {.5f, .53f},
                                    {.78f, .35f}, {.84f, .02f, c}, {.8f, .5f},  {.76f, 1, up}};
inline constexpr Point kFourOneStroke[]{{.2f, .02f},     {.1f, .42f}, {.25f, .56f}, {.6f, .5f},
                                        {.9f, .42f, up}, {.72f, .1f}, {.66f, .55f}, {.6f, 1, up}};

inline constexpr Point kFivePlain[]{{.88f, .02f}, {.5f, .03f},  {.24f, .04f, c}, {.2f, .22f}, {.17f, .44f, c},
                                    {.5f, .37f},  {.86f, .55f}, {.82f, .85f},    {.45f, 1},   {.06f, .9f, up}};
inline constexpr Point kFiveHat[]{{.25f, .08f}, {.2f, .25f},     {.18f, .42f, c}, {.55f, .4f}, {.85f, .65f},
                                  {.65f, .95f}, {.1f, .96f, up}, {.25f, .07f},    {.6f, .05f}, {.95f, .0f, up}};
inline constexpr Point kFiveS[]{{.9f, .03f},  {.5f, .0f},  {.22f, .15f}, {.3f, .38f},
                                {.65f, .52f}, {.8f, .75f}, {.5f, 1},     {.1f, .92f, up}};
inline constexpr Point kFiveTall[]{{.8f, .0f},   {.35f, .05f, c}, {.25f, .5f, c}, {.55f, .47f},
                                   {.75f, .68f}, {.6f, .95f},     {.15f, 1, up}};

inline constexpr Point kSixRound[]{{.75f, .0f},  {.38f, .22f}, {.1f, .62f},  {.22f, .95f},    {.6f, 1},
                                   {.88f, .78f}, {.68f, .54f}, {.35f, .58f}, {.15f, .78f, up}};
inline constexpr Point kSixStraight[]{{.55f, .0f}, {.3f, .35f},  {.15f, .75f}, {.4f, 1},
                                      {.75f, .9f}, {.78f, .65f}, {.5f, .55f},  {.2f, .75f, up}};
inline constexpr Point kSixCurl[]{{.9f, .1f},  {.6f, .02f}, {.25f, .25f}, {.08f, .65f}, {.3f, .98f},
                                  {.7f, .95f}, {.85f, .7f}, {.6f, .5f},   {.25f, .62f}, {.2f, .85f, up}};
inline constexpr Point kSixLow[]{{.45f, .0f}, {.2f, .4f},   {.1f, .8f},  {.35f, 1},
                                 {.7f, .95f}, {.75f, .75f}, {.5f, .68f}, {.25f, .85f, up}};

inline constexpr Point kSevenPlain[]{{.06f, .06f}, {.5f, .05f}, {.93f, .03f, c}, {.65f, .45f}, {.42f, 1, up}};
inline constexpr Point kSevenCross[]{{.06f, .08f},  {.5f, .05f}, {.92f, .03f, c}, {.65f, .45f},
                                     {.42f, 1, up}, {.28f, .5f}, {.84f, .48f, up}};
inline constexpr Point kSevenHook[]{{.06f, .25f}, {.1f, .08f, c}, {.5f, .08f}, {.9f, .04f, c}, {.7f, .4f}, {.55f, 1, up}};
inline constexpr Point kSevenCurved[]{{.08f, .15f}, {.4f, .08f}, {.8f, .06f}, {.82f, .25f}, {.6f, .6f}, {.5f, 1, up}};

inline constexpr Point kEightOne[]{{.78f, .12f}, {.45f, 0},   {.18f, .2f}, {.45f, .45f}, {.8f, .7f},
                                   {.5f, 1},     {.14f, .8f}, {.45f, .5f}, {.8f, .22f},  {.7f, .05f, up}};
inline constexpr Point kEightTwo[]{{.5f, .0f},   {.22f, .2f}, {.48f, .46f}, {.78f, .22f}, {.52f, .0f, up},
                                   {.48f, .46f}, {.1f, .74f}, {.48f, 1},    {.88f, .75f}, {.5f, .46f, up}};
inline constexpr Point kEightOpen[]{{.85f, .05f}, {.4f, .05f},  {.2f, .25f}, {.55f, .5f},    {.75f, .8f},
                                    {.4f, 1},     {.15f, .75f}, {.5f, .45f}, {.9f, .12f, up}};
inline constexpr Point kEightThin[]{{.65f, .1f}, {.4f, .0f},  {.3f, .22f}, {.5f, .48f}, {.65f, .78f},
                                    {.42f, 1},   {.3f, .75f}, {.5f, .48f}, {.7f, .2f},  {.6f, .05f, up}};

inline constexpr Point kNineBar[]{{.8f, .15f}, {.5f, 0},        {.14f, .22f}, {.35f, .5f},
                                  {.7f, .38f}, {.83f, .12f, c}, {.8f, .55f},  {.76f, 1, up}};
inline constexpr Point kNineCurved[]{{.82f, .2f},    {.5f, 0},    {.12f, .22f}, {.3f, .5f},     {.68f, .42f},
                                     {.84f, .2f, c}, {.84f, .6f}, {.6f, .95f},  {.2f, .97f, up}};
inline constexpr Point kNineSlant[]{{.75f, .12f}, {.4f, .02f}, {.15f, .28f}, {.4f, .46f},
                                    {.75f, .22f}, {.7f, .55f}, {.45f, 1, up}};
inline constexpr Point kNineOpen[]{{.74f, .12f}, {.3f, .1f},      {.15f, .35f}, {.45f, .48f},
                                   {.78f, .28f}, {.82f, .05f, c}, {.75f, .5f},  {.68f, 1, up}};

}  // namespace strokes

using Style = std::span<const Point>;

/// The styles of each digit, four apiece; a digit with fewer repeats its commonest.
inline constexpr std::array<std::array<Style, 4>, 10> kStyles{{
    {strokes::kZeroRound, strokes::kZeroLoop, strokes::kZeroOpen, strokes::kZeroRound},
    {strokes::kOneBar, strokes::kOneFlag, strokes::kOneSerif, strokes::kOneBent},
    {strokes::kTwoPlain, strokes::kTwoLoop, strokes::kTwoSwan, strokes::kTwoFlat},
    {strokes::kThreeRound, strokes::kThreeFlat, strokes::kThreeLoop, strokes::kThreeNarrow},
    {strokes::kFourOpen, strokes::kFourClosed, strokes::kFourRound, strokes::kFourOneStroke},
    {strokes::kFivePlain, strokes::kFiveHat, strokes::kFiveS, strokes::kFiveTall},
    {strokes::kSixRound, strokes::kSixStraight, strokes::kSixCurl, strokes::kSixLow},
    {strokes::kSevenPlain, strokes::kSevenCross, strokes::kSevenHook, strokes::kSevenCurved},
    {strokes::kEightOne, strokes::kEightTwo, strokes::kEightOpen, strokes::kEightThin},
    {strokes::kNineBar, strokes::kNineCurved, strokes::kNineSlant, strokes::kNineOpen},
}};

}  // namespace gradus::data::digits
